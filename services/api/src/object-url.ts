import type { IncomingHttpHeaders } from 'node:http';

function first(value: string | string[] | undefined): string | undefined {
  return (Array.isArray(value) ? value[0] : value)?.split(',')[0]?.trim();
}

/**
 * Base of a tenant's object URLs, ending in `/object/`: the header `X-Request-Api` when the client knows better where
 * it reaches us, else the host that it asked.
 * @param prefix `/t/<tenant>` when the request came by that path.
 */
export function objectURL(headers: IncomingHttpHeaders, secure: boolean, prefix: string): string {
  const given = first(headers['x-request-api']);
  if (given) return `${given.replace(/\/$/, '')}/object/`;
  const scheme = first(headers['x-forwarded-proto']) ?? (secure ? 'https' : 'http');
  return `${scheme}://${headers.host ?? ''}${prefix}/object/`;
}
