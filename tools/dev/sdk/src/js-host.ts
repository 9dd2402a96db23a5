import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { type EventLog, eventLog, type SdkEvent } from './event-log.ts';
import { SdkError, type SdkHost, type SdkPort } from './sdk-port.ts';

/** Messages to the host process. */
export type ToJsHost =
  | { kind: 'open'; instance: number }
  | { kind: 'call'; id: number; instance: number; method: string; params: unknown };

/** Messages from the host process. */
export type FromJsHost =
  | { kind: 'event'; instance: number; event: SdkEvent }
  | { kind: 'result'; id: number; data: unknown }
  | { kind: 'failure'; id: number; code: number; message: string }
  | { kind: 'stray'; text: string };

const PROCESS = new URL('./js-host-process.ts', import.meta.url);

/** Starts a process for instances of `@openim/client-sdk`. */
export function startJsHost(): SdkHost {
  const child: ChildProcess = fork(PROCESS, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const logs = new Map<number, EventLog>();
  const pending = new Map<
    number,
    { method: string; resolve(data: unknown): void; reject(error: Error): void }
  >();
  const stray: string[] = [];
  let instances = 0;
  let calls = 0;

  child.on('message', (message: FromJsHost) => {
    switch (message.kind) {
      case 'event':
        logs.get(message.instance)?.add(message.event);
        return;
      case 'result':
        pending.get(message.id)?.resolve(message.data);
        pending.delete(message.id);
        return;
      case 'failure': {
        const call = pending.get(message.id);
        pending.delete(message.id);
        call?.reject(new SdkError(call.method, message.code, message.message));
        return;
      }
      case 'stray':
        stray.push(message.text);
        return;
      default:
        message satisfies never;
    }
  });
  child.on('exit', () => {
    for (const call of pending.values()) call.reject(new Error(`${call.method}: the SDK's process ended`));
    pending.clear();
  });

  async function close(): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  return {
    kind: 'js',
    get pid() {
      return child.pid;
    },
    stray,
    inTurn: (work) => work(),
    async open(owner): Promise<SdkPort> {
      const instance = instances++;
      const events = eventLog(owner);
      logs.set(instance, events);
      child.send({ kind: 'open', instance } satisfies ToJsHost);
      return {
        kind: 'js',
        events,
        async call(method, params) {
          const id = calls++;
          const { promise, resolve, reject } = Promise.withResolvers<unknown>();
          pending.set(id, { method, resolve, reject });
          child.send({ kind: 'call', id, instance, method, params } satisfies ToJsHost);
          return await promise;
        },
        close: async () => {
          logs.delete(instance);
        },
      };
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
