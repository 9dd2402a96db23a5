import type { Failure } from '@im/admin-api';
import { ERR, ImError } from '@im/protocol';

/** An answer that refuses. */
export interface Refusal {
  readonly status: number;
  readonly failure: Failure;
}

/** What a refusal says besides its code. */
export type Explanation = Pick<Failure, 'kind' | 'field' | 'subject' | 'remedy'>;

/** A refusal that says itself which fault it is, and what to do. */
export class ExplainedError extends ImError {
  readonly explanation: Explanation;

  constructor(code: number, message: string, explanation: Explanation) {
    super(code, message);
    this.explanation = explanation;
  }

  get kind(): string | undefined {
    return this.explanation.kind;
  }
}

/** HTTP statuses of codes; others that callers cause are 409, what is left is 500. */
const STATUS: ReadonlyMap<number, number> = new Map([
  [ERR.ArgsError, 400],
  [ERR.NoPermissionError, 403],
  [ERR.RecordNotFoundError, 404],
  [ERR.UserIDNotFoundError, 404],
  [ERR.GroupIDNotFoundError, 404],
  [ERR.TooManyRequests, 429],
  [ERR.DatabaseError, 503],
  [ERR.NetworkError, 503],
  [ERR.ServerInternalError, 500],
  [ERR.DataError, 500],
]);

const REMEDY: ReadonlyMap<number, string> = new Map([
  [401, 'get a token by /auth/get_admin_token'],
  [403, 'use the token of an administrator of this tenant'],
  [429, 'wait, then send it again'],
  [503, 'send it again'],
]);

function statusOf(code: number): number {
  if (code >= ERR.TokenExpiredError && code <= ERR.TokenNotExistError) return 401;
  return STATUS.get(code) ?? (code >= 1_000 && code < 2_000 ? 409 : 500);
}

/** Details of the catalogue begin with the name of the field that is wrong. */
const FIELD = /^([a-z]\w*(?:\.\w+|\[\d+\])*) (?:is|must|has|contains)\b/;

/** What a client is shown of an error. What is no fault of the client's is not described. */
export function refusalOf(error: ImError, requestID: string): Refusal {
  const status = statusOf(error.code);
  const field = status === 400 ? FIELD.exec(error.detail)?.[1] : undefined;
  const remedy = REMEDY.get(status);
  return {
    status,
    failure: {
      code: error.code,
      name: error.errMsg,
      message: status === 500 || error.detail === '' ? error.errMsg : error.detail,
      ...(field !== undefined && { field }),
      ...(remedy !== undefined && { remedy }),
      ...(error instanceof ExplainedError && error.explanation),
      requestID,
    },
  };
}
