import { messageOf } from '@im/kit';
import type { Logger } from '@im/process';
import { decode, ERR, encode, ImError, type MessageName, type Messages, make, type user } from '@im/protocol';
import { parseEvent } from './events.ts';
import type { NatsLink } from './nats-link.ts';
import { gatewayConnectionsSubject, gatewayKickSubject } from './subjects.ts';
import type { GatewayAnswers, GatewayRequests, Unsubscribe } from './types.ts';

/** One question, by its messages and subject. */
interface Question<Q extends MessageName, A extends MessageName> {
  readonly request: Q;
  readonly answer: A;
  readonly subject: (gatewayID: string) => string;
}

const CONNECTIONS = {
  request: 'user.GatewayConnectionsReq',
  answer: 'user.GatewayConnectionsResp',
  subject: gatewayConnectionsSubject,
} as const;
const KICK = {
  request: 'user.GatewayKickReq',
  answer: 'user.GatewayKickResp',
  subject: gatewayKickSubject,
} as const;

/** Requests to single gateways on core NATS. */
export class NatsGatewayRequests implements GatewayRequests {
  readonly #link: NatsLink;
  readonly #log: Logger;

  constructor(link: NatsLink, log: Logger) {
    this.#link = link;
    this.#log = log;
  }

  serve(gatewayID: string, answers: GatewayAnswers): Unsubscribe {
    const ends = [
      this.#answer(gatewayID, CONNECTIONS, answers.connections),
      this.#answer(gatewayID, KICK, answers.kick),
    ];
    return () => {
      for (const end of ends) end();
    };
  }

  connections(
    gatewayID: string,
    request: user.GatewayConnectionsReq,
    timeoutMs: number,
  ): Promise<user.GatewayConnectionsResp> {
    return this.#ask(gatewayID, CONNECTIONS, request, timeoutMs);
  }

  kick(gatewayID: string, request: user.GatewayKickReq, timeoutMs: number): Promise<user.GatewayKickResp> {
    return this.#ask(gatewayID, KICK, request, timeoutMs);
  }

  #answer<Q extends MessageName, A extends MessageName>(
    gatewayID: string,
    { request: name, answer, subject }: Question<Q, A>,
    give: (request: Messages[Q]) => Messages[A],
  ): Unsubscribe {
    return this.#link.subscribe(subject(gatewayID), (message) => {
      const request = parseEvent(this.#log, message, () => decode(name, message.data));
      if (request && message.reply) this.#link.publish(message.reply, encode(answer, give(request)));
    });
  }

  async #ask<Q extends MessageName, A extends MessageName>(
    gatewayID: string,
    { request: name, answer, subject }: Question<Q, A>,
    request: Messages[Q],
    timeoutMs: number,
  ): Promise<Messages[A]> {
    const payload = encode(name, make(name, request));
    try {
      const { data } = await this.#link.request(subject(gatewayID), payload, timeoutMs);
      return decode(answer, data);
    } catch (error) {
      throw new ImError(ERR.NetworkError, `gateway ${gatewayID} did not answer: ${messageOf(error)}`);
    }
  }
}
