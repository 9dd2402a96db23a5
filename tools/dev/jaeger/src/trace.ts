/** A step of a trace as Jaeger shows it. */
export interface JaegerSpan {
  readonly spanID: string;
  readonly name: string;
  /** `service.name` of its process. */
  readonly service: string;
  /** `service.instance.id` of its process. */
  readonly instance: string;
  /** The step that it is part of; empty for the first. */
  readonly parentID: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  /** What the page of the trace warns of, such as a parent that is missing. */
  readonly warnings: readonly string[];
}

interface Tag {
  readonly key: string;
  readonly value: unknown;
}

/** A trace as the query API answers it. */
export interface JaegerTrace {
  readonly traceID: string;
  readonly spans: readonly {
    readonly spanID: string;
    readonly operationName: string;
    readonly processID: string;
    readonly references: readonly { readonly refType: string; readonly spanID: string }[];
    readonly tags: readonly Tag[];
    readonly warnings: readonly string[] | null;
  }[];
  readonly processes: Readonly<
    Record<string, { readonly serviceName: string; readonly tags: readonly Tag[] }>
  >;
}

/** The steps of a trace. */
export function spansOf({ spans, processes }: JaegerTrace): JaegerSpan[] {
  return spans.map(({ spanID, operationName, processID, references, tags, warnings }) => {
    const process = processes[processID];
    return {
      spanID,
      name: operationName,
      service: process?.serviceName ?? '',
      instance: String(valuesOf(process?.tags ?? [])['service.instance.id']),
      parentID: references.find(({ refType }) => refType === 'CHILD_OF')?.spanID ?? '',
      attributes: valuesOf(tags),
      warnings: warnings ?? [],
    };
  });
}

function valuesOf(tags: readonly Tag[]): Record<string, unknown> {
  return Object.fromEntries(tags.map(({ key, value }) => [key, value]));
}
