import { Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { QueueFullError } from '@im/kit';
import { ERR, ImError, toImError } from '@im/protocol';

/** Headers of an error: its code and texts, the texts in base64 because they may hold anything. */
const CODE = 'im-code';
const TEXTS = 'im-error-bin';

/** What a call failed with, as the caller shall see it. Overload and time limits are retryable codes. */
export function callError(error: unknown): ImError {
  if (error instanceof QueueFullError) {
    return new ImError(ERR.TooManyRequests, error.message, undefined, { cause: error });
  }
  return toImError(error);
}

/** The answer to a call that nobody finished within its deadline; retryable. */
export function timedOut(method: string): ImError {
  return new ImError(ERR.NetworkError, `${method}: no answer within the deadline`);
}

/** An error as gRPC's status, code and texts in the trailers. */
export function toStatus(error: ImError): Partial<ServiceError> {
  const metadata = new Metadata();
  metadata.set(CODE, String(error.code));
  metadata.set(TEXTS, Buffer.from(JSON.stringify([error.errMsg, error.detail])));
  return { code: status.UNKNOWN, details: `im ${error.code}`, metadata };
}

/** Whether a thrown value is gRPC's account of a failed call. */
export function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && 'code' in error && 'details' in error && 'metadata' in error;
}

/** The error that a peer or the transport answered. Transport failures become 90004, retryable. */
export function fromStatus(error: unknown, method: string): ImError {
  if (!isServiceError(error)) return toImError(error);
  const code = error.metadata.get(CODE)[0];
  if (typeof code === 'string') {
    const [errMsg, detail] = readTexts(error.metadata.get(TEXTS)[0]);
    return new ImError(Number(code), detail, errMsg);
  }
  switch (error.code) {
    case status.DEADLINE_EXCEEDED:
      return timedOut(method);
    case status.RESOURCE_EXHAUSTED:
      return new ImError(ERR.ArgsError, `${method}: ${error.details}`, undefined, { cause: error });
    case status.UNIMPLEMENTED:
    case status.INTERNAL:
    case status.DATA_LOSS:
      return new ImError(ERR.ServerInternalError, `${method}: ${error.details}`, undefined, { cause: error });
    default:
      return new ImError(ERR.NetworkError, `${method}: ${error.details}`, undefined, { cause: error });
  }
}

function readTexts(value: unknown): [string | undefined, string] {
  if (!Buffer.isBuffer(value)) return [undefined, ''];
  const texts: unknown = JSON.parse(value.toString('utf8'));
  if (!Array.isArray(texts)) return [undefined, ''];
  return [String(texts[0] ?? ''), String(texts[1] ?? '')];
}
