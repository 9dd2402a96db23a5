import { z } from 'zod';

/** Section `prober` of the config. */
export const ProberConfig = z
  .strictObject({
    tenant: z
      .string()
      .default('')
      .describe('Tenant whose users the prober registers and lets chat. Empty: the prober does nothing.'),
    apiURL: z.string().default('').describe('Base URL of the API, such as http://chat-api:10002.'),
    gatewayURL: z.string().default('').describe('Base URL of the gateways, such as ws://chat-gateway:10001.'),
    messagesPerSecond: z
      .number()
      .min(0.1)
      .max(50)
      .default(2)
      .describe('Messages sent per second, over all conversations.'),
    roundSeconds: z
      .number()
      .min(1)
      .max(600)
      .default(10)
      .describe('Time for which messages are sent before they are checked, in seconds.'),
  })
  .prefault({})
  .describe('Checked messages at all times, as proof of an upgrade.');
