import type { EventLog } from './event-log.ts';

/** Which unmodified SDK a user runs: `@openim/client-sdk` in Node, or `@openim/wasm-client-sdk` in Chromium. */
export type SdkKind = 'js' | 'wasm';

/** One instance of an SDK, as far as both have the same methods. */
export interface SdkPort {
  readonly kind: SdkKind;
  /** Calls a method of the SDK and returns `data`. @throws SdkError with the code that the SDK rejected with. */
  call(method: string, params?: unknown): Promise<unknown>;
  readonly events: EventLog;
  close(): Promise<void>;
}

/** A file in the parameters of {@link SdkPort.call}, of which the SDK gets a File. */
export interface WireFile {
  readonly base64: string;
  readonly name: string;
  readonly type: string;
}

/** Whether the parameters of a call have a {@link WireFile}. */
export function hasFile(params: unknown): params is { readonly file: WireFile } {
  return typeof (params as { file?: Partial<WireFile> } | null)?.file?.base64 === 'string';
}

/** Where SDK instances come from. */
export interface SdkHost extends AsyncDisposable {
  readonly kind: SdkKind;
  open(owner: string): Promise<SdkPort>;
  /** Runs work that costs much CPU, such as a first login in a browser, one after the other. */
  inTurn<T>(work: () => Promise<T>): Promise<T>;
  /** Process that the SDKs run in, for CPU figures; undefined when it is not one process. */
  readonly pid: number | undefined;
  /** Errors that no caller saw, such as unhandled rejections inside an SDK. */
  readonly stray: readonly string[];
  close(): Promise<void>;
}

/** An SDK refused or failed. */
export class SdkError extends Error {
  override readonly name = 'SdkError';
  readonly code: number;
  constructor(method: string, code: number, message: string) {
    super(`${method}: ${code} ${message}`);
    this.code = code;
  }
}
