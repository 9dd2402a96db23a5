import type { IncomingHttpHeaders } from 'node:http';
import { RequestError } from './request-error.ts';
import type { ResponseSink } from './transport.ts';

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** How much of an answer is read. */
export interface AnswerLimits {
  /** Most bytes of the answer. */
  readonly maxBytes: number;
  /** What to do with more: fail, or return what was read. */
  readonly whenLarger: 'fail' | 'cut';
}

/** What becomes of an answer. */
export interface AnswerEnds {
  readonly done: (answer: HttpAnswer) => void;
  readonly failed: (error: Error) => void;
  /** The rest is not read. */
  readonly cut: (reason: Error) => void;
}

const CUT = new Error('the rest of the answer is not read');

/** Reads an answer up to its largest size. */
export class BodyReader implements ResponseSink {
  readonly #limits: AnswerLimits;
  readonly #ends: AnswerEnds;
  readonly #chunks: Buffer[] = [];
  #size = 0;
  #status = 0;
  #headers: IncomingHttpHeaders = {};

  constructor(limits: AnswerLimits, ends: AnswerEnds) {
    this.#limits = limits;
    this.#ends = ends;
  }

  onHead(status: number, headers: IncomingHttpHeaders): void {
    this.#status = status;
    this.#headers = headers;
  }

  onData(chunk: Buffer): void {
    const { maxBytes, whenLarger } = this.#limits;
    const over = this.#size + chunk.length - maxBytes;
    // A chunk that was under way when the rest was given up.
    if (this.#size > maxBytes) return;
    this.#size += chunk.length;
    if (over <= 0) {
      this.#chunks.push(chunk);
      return;
    }
    if (whenLarger === 'fail') {
      this.#ends.failed(new RequestError('too large', `the answer has more than ${maxBytes} bytes`));
      return;
    }
    this.#chunks.push(chunk.subarray(0, chunk.length - over));
    this.onEnd();
    this.#ends.cut(CUT);
  }

  onEnd(): void {
    const body = Buffer.concat(this.#chunks).toString('utf8');
    this.#ends.done({ status: this.#status, headers: this.#headers, body });
  }

  onError(error: Error): void {
    const broke = this.#status !== 0 && !(error instanceof RequestError);
    this.#ends.failed(
      broke
        ? new RequestError('unreachable', 'the connection broke during the answer', { cause: error })
        : error,
    );
  }
}
