/** Which decision about a membership it is: the record at `position` made it, as the member log's write `version`. */
export interface MembershipPlace {
  /** Position in the message log. */
  readonly position: number;
  /** Version of the group's member log; 0 when the record does not tell. */
  readonly version: number;
}

/** What a document keeps of the last decision that it follows. */
export interface MembershipMarks {
  /** Position in the message log of the record that set `max` last. */
  mp?: number;
  /** Version of the member log that the record carried. */
  mv?: number;
}

/**
 * Filter that lets a decision through only when the document follows none that is newer: neither by place in the
 * message log, which a worker that wakes up would undo, nor by version of the member log, which a process that was
 * slow to append would.
 */
export function notDecidedLater({ position, version }: MembershipPlace) {
  return {
    mp: { $not: { $gte: position } },
    ...(version > 0 ? { mv: { $not: { $gt: version } } } : {}),
  };
}

/** The marks of a decision; one without a version leaves the version that is known. */
export function marksOf({ position, version }: MembershipPlace): MembershipMarks {
  return { mp: position, ...(version > 0 ? { mv: version } : {}) };
}

/**
 * Aggregation expression of a new upper bound: the lower of two in a row, since a user who is named as removed twice left
 * the first time.
 */
export function frozenAt(field: string, max: number) {
  return { $cond: [{ $gt: [`$${field}`, 0] }, { $min: [`$${field}`, max] }, max] };
}
