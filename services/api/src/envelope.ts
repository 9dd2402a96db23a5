import type { ImError } from '@im/protocol';

const SUCCESS = '{"errCode":0,"errMsg":"","errDlt":""}';

/** The answer to a request that succeeded. @param data JSON text; undefined leaves `data` out, as for empty responses. */
export function successBody(data: string | undefined): string {
  return data === undefined ? SUCCESS : `{"errCode":0,"errMsg":"","errDlt":"","data":${data}}`;
}

/** The same in parts. */
export async function* successParts(data: AsyncIterable<string>): AsyncGenerator<string, void> {
  yield `${SUCCESS.slice(0, -1)},"data":`;
  yield* data;
  yield '}';
}

/** The answer to a request that failed; errors carry no `data`. */
export function errorBody({ code, errMsg, detail }: Pick<ImError, 'code' | 'errMsg' | 'detail'>): string {
  return JSON.stringify({ errCode: code, errMsg, errDlt: detail });
}
