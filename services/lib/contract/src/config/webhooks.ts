import { isIP } from 'node:net';
import { z } from 'zod';

function isNetwork(text: string): boolean {
  const [address = '', bits, ...more] = text.split('/');
  const version = isIP(address);
  if (version === 0 || more.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128));
}

/** Section `webhooks` of the config. */
export const WebhooksConfig = z
  .strictObject({
    allowedNetworks: z
      .array(z.string().refine(isNetwork, 'must be a network, such as 10.0.0.0/8, or an IP address'))
      .max(64)
      .default([])
      .describe(
        'Internal networks in which receivers of webhooks may be, such as 10.0.0.0/8. Private, loopback, link-local and metadata addresses outside of them are refused: tenants choose their URLs themselves.',
      ),
  })
  .prefault({})
  .describe('Webhooks of all tenants.');
