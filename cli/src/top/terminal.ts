import type { ReadStream, WriteStream } from 'node:tty';

/** A terminal that shows one screen after the other, and gives keys. */
export interface Terminal extends Disposable {
  size(): { readonly width: number; readonly height: number };
  /** Replaces what is shown, in one write, without clearing in between. */
  draw(lines: readonly string[]): void;
}

const ENTER = '\x1b[?1049h\x1b[?25l\x1b[H\x1b[2J';
const LEAVE = '\x1b[?25h\x1b[?1049l';
const BEGIN = '\x1b[?2026h\x1b[H';
const END = '\x1b[J\x1b[?2026l';
const TO_LINE_END = '\x1b[K';

/**
 * Takes over a terminal: its other screen, no cursor, keys one by one. Disposing, and the end of the process for whatever
 * reason but SIGKILL, give it back as it was.
 * @param listener `key` gets one key or escape sequence; `resized` is called when the size changes.
 */
export function takeTerminal(
  input: ReadStream | undefined,
  output: WriteStream,
  listener: { readonly key: (key: string) => void; readonly resized: () => void },
): Terminal {
  const wasRaw = input?.isRaw ?? false;
  let given = false;
  const onData = (data: Buffer) => {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: keys begin with it.
    for (const [key] of data.toString('utf8').matchAll(/\x1b\[[0-9;]*[A-Za-z~]|[\s\S]/g)) listener.key(key);
  };
  const giveBack = () => {
    if (given) return;
    given = true;
    process.off('exit', giveBack);
    output.off('resize', listener.resized);
    input?.off('data', onData);
    if (input && !input.destroyed) {
      input.setRawMode(wasRaw);
      input.pause();
    }
    output.write(LEAVE);
  };
  process.once('exit', giveBack);
  input?.setRawMode(true);
  input?.on('data', onData);
  output.on('resize', listener.resized);
  output.write(ENTER);
  return {
    size: () => ({ width: output.columns || 80, height: output.rows || 24 }),
    draw(lines) {
      const { height } = this.size();
      const text = lines.slice(0, height).map((line) => `${line}${TO_LINE_END}`);
      output.write(`${BEGIN}${text.join('\r\n')}${END}`);
    },
    [Symbol.dispose]: giveBack,
  };
}
