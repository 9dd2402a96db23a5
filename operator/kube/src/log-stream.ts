import type { OpenAnswer } from './caller.ts';
import { connectionError } from './exchange.ts';
import type { LogLine } from './kube-client.ts';

/** Time and text of a line that begins with its time. */
function parseLine(line: string): LogLine {
  const end = line.indexOf(' ');
  return end < 0 ? { time: line, text: '' } : { time: line.slice(0, end), text: line.slice(end + 1) };
}

/**
 * The lines of an open log that was asked for with timestamps.
 * @param maxLine characters after which a line is cut.
 * @throws {ConnectionError} when the connection breaks; the signal's reason.
 */
export async function* logLines(
  { response, target, call }: OpenAnswer,
  maxLine: number,
): AsyncGenerator<LogLine> {
  response.setEncoding('utf8');
  let rest = '';
  let cutting = false;
  try {
    for await (const chunk of response) {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        if (!cutting) yield parseLine(line.slice(0, maxLine));
        cutting = false;
      }
      // The rest of a line that was cut is not kept.
      if (cutting) rest = '';
      else if (rest.length > maxLine) {
        yield parseLine(rest.slice(0, maxLine));
        cutting = true;
        rest = '';
      }
    }
  } catch (error) {
    call.signal?.throwIfAborted();
    throw connectionError(call, target, error);
  } finally {
    response.destroy();
  }
  if (rest !== '' && !cutting) yield parseLine(rest);
}
