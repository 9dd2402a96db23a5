import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';

/** Takes the place of libc's clocks: programs that ask the kernel themselves, such as those in Go, do not notice it. */
const SOURCE = `
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
static long shift(void) { const char *text = getenv("SHIFTED_CLOCK"); return text ? atol(text) : 0; }
int clock_gettime(clockid_t id, struct timespec *ts) {
  static int (*real)(clockid_t, struct timespec *);
  if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
  int result = real(id, ts);
  if (result == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) ts->tv_sec += shift();
  return result;
}
int gettimeofday(struct timeval *tv, void *zone) {
  struct timespec ts;
  clock_gettime(CLOCK_REALTIME, &ts);
  tv->tv_sec = ts.tv_sec;
  tv->tv_usec = ts.tv_nsec / 1000;
  return 0;
}
time_t time(time_t *out) {
  struct timespec ts;
  clock_gettime(CLOCK_REALTIME, &ts);
  if (out) *out = ts.tv_sec;
  return ts.tv_sec;
}
`;

/** Compiles a library for `LD_PRELOAD`. @returns its path. */
function compiled(dir: string): string {
  const [source, library] = [join(dir, 'clock.c'), join(dir, 'clock.so')];
  writeFileSync(source, SOURCE);
  execFileSync('cc', ['-shared', '-fPIC', '-O1', '-o', library, source, '-ldl']);
  return library;
}

/** Starts a program whose clock is ahead by some seconds. */
export async function withShiftedClock<T>(dir: string, seconds: number, start: () => Promise<T>): Promise<T> {
  const env = { LD_PRELOAD: compiled(dir), SHIFTED_CLOCK: String(seconds) };
  Object.assign(process.env, env);
  try {
    return await start();
  } finally {
    for (const name of Object.keys(env)) delete process.env[name];
  }
}

/** Stands in for a store in Go with another clock: changes the times of its answers, which keep their length. */
export async function startShiftedProxy(
  port: number,
  seconds: number,
): Promise<AsyncDisposable & { port: number }> {
  const shifted = (time: number) => new Date(time + seconds * 1_000);
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const store = connect(port, '127.0.0.1');
    for (const [one, other] of [
      [client, store],
      [store, client],
    ] as const) {
      sockets.add(one);
      one.on('error', () => other.destroy());
      one.on('close', () => other.destroy());
    }
    client.pipe(store);
    store.on('data', (data) => {
      const text = data
        .toString('latin1')
        .replace(/(?<="ts":")[^"]{19}/g, (time) =>
          shifted(Date.parse(`${time}Z`))
            .toISOString()
            .slice(0, 19),
        )
        .replace(/(?<=\r\nDate: )[^\r]+/gi, (time) => shifted(Date.parse(time)).toUTCString());
      client.write(Buffer.from(text, 'latin1'));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
  return {
    port: address.port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
