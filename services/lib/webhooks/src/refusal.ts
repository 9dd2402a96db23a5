import { ERR, ImError } from '@im/protocol';

/** Codes of a question that has no answer: none was given, none that can be understood, or it could not be asked now. */
const UNANSWERED: ReadonlySet<number> = new Set([ERR.NetworkError, ERR.DataError, ERR.TooManyRequests]);

/** Whether a before-event was decided: its receiver refuses, and would do so again. */
export function isRefusal(error: unknown): error is ImError {
  return error instanceof ImError && !UNANSWERED.has(error.code);
}
