import { z } from 'zod';
import { DEFAULT_PORTS, type RpcDomain } from '../ports.ts';
import { count, ms, port, secret } from './fields.ts';

const domainRpc = (domain: RpcDomain) =>
  z
    .strictObject({
      port: port(DEFAULT_PORTS[domain]),
      addresses: z
        .array(z.string().min(1))
        .default([`127.0.0.1:${DEFAULT_PORTS[domain]}`])
        .describe('Where it is reached: host:port of each process, or one dns:///headless-service:port.'),
    })
    .prefault({})
    .describe(`RPC domain ${domain}.`);

/** Section `rpc` of the config. */
export const RpcConfig = z
  .strictObject({
    domains: z
      .strictObject({
        auth: domainRpc('auth'),
        user: domainRpc('user'),
        msg: domainRpc('msg'),
        conversation: domainRpc('conversation'),
        group: domainRpc('group'),
        relation: domainRpc('relation'),
        third: domainRpc('third'),
      })
      .prefault({})
      .describe('Ports and addresses by domain.'),
    key: secret(
      'Key of the cluster: processes prove to each other that they know it, and POSTs to the ops port carry it as bearer token. Empty: neither is asked.',
    ),
    acceptMissingKey: z
      .boolean()
      .default(false)
      .describe(
        'Callers that do not know the key are let in as well: while a running cluster gets a key or changes it.',
      ),
    maxMessageBytes: count(8_388_608, 'Largest request, and largest answer that travels in one piece.'),
    maxAnswerBytes: count(
      67_108_864,
      'Largest answer; above maxMessageBytes it travels in pieces. A process holds at most twice as much of such answers, for its callers and of those that it waits for.',
    ),
    keepaliveMs: ms(10_000, 'Between keep-alive pings of a quiet connection'),
    keepaliveTimeoutMs: ms(5_000, 'A ping without an answer for this long ends the connection'),
    encodeInProcess: z
      .boolean()
      .default(false)
      .describe('Calls inside the process are encoded and decoded too; for tests.'),
  })
  .prefault({})
  .describe('Calls between services.');
