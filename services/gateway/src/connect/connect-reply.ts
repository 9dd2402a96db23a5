import type { Duplex } from 'node:stream';
import { ERR, type ImError } from '@im/protocol';
import { textFrame } from '../wire/frame.ts';

/** The result of an accepted handshake, for clients that want it as first text frame. */
export const ACCEPTED = connectReply(0, '', '');

/** Clients see at most the first 1,024 bytes of the HTTP form. */
const MAX_DETAIL = 200;
/** A refused client that does not close its side is cut after this time, ms. */
const LINGER_MS = 5_000;

function connectReply(errCode: number, errMsg: string, errDlt: string): string {
  return JSON.stringify({ errCode, errMsg, errDlt });
}

function refusal({ code, errMsg, detail }: ImError): string {
  return connectReply(code, errMsg, detail.slice(0, MAX_DETAIL));
}

/** Clients that heed `Retry-After` come back spread over so many seconds. */
const RETRY_SECONDS = 5;

/** Refuses a handshake the HTTP way: status 200 and the error as JSON; with 1601, a time to wait as well. */
export function refuseByHttp(socket: Duplex, error: ImError): void {
  const body = Buffer.from(refusal(error));
  const overload = error.code === ERR.ConnOverMaxNumLimit;
  const wait = overload ? `Retry-After: ${1 + Math.floor(Math.random() * RETRY_SECONDS)}\r\n` : '';
  endWith(
    socket,
    Buffer.concat([
      Buffer.from(
        `HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: ${body.length}\r\n${wait}Connection: close\r\n\r\n`,
      ),
      body,
    ]),
  );
}

/** Refuses an upgraded handshake: one text frame, then the TCP connection is closed without a close frame. */
export function refuseByFrame(socket: Duplex, error: ImError): void {
  endWith(socket, textFrame(refusal(error)));
}

/** Answers what is no handshake at all. */
export function refuseRequest(socket: Duplex): void {
  endWith(socket, Buffer.from('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'));
}

function endWith(socket: Duplex, last: Buffer): void {
  socket.end(last);
  setTimeout(() => socket.destroy(), LINGER_MS).unref();
}
