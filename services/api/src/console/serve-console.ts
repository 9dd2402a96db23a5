import { randomBytes } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { takesGzip } from '../response-body.ts';
import { type ConsoleAssets, readConsole } from './assets.ts';

/** In the page, where the nonce of its styles goes. */
const NONCE = /__NONCE__/g;
/** In the page, where the relative path to the console's root goes. */
const BASE = '__BASE__';
const NONCE_BYTES = 16;
const NOT_BUILT = 'The console was not built: run make console.\n';

/** The policy of the page: nothing but its own scripts, styles and requests. */
function policy(nonce: string): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self' 'nonce-${nonce}'`,
    "connect-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    "base-uri 'self'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join('; ');
}

const SECURITY: Readonly<Record<string, string>> = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
};

/** Headers of the console's answers, instead of those of the API. */
function begin(reply: FastifyReply): FastifyReply {
  for (const name of Object.keys(reply.getHeaders()))
    if (name.startsWith('access-control-')) reply.removeHeader(name);
  return reply.headers({ ...SECURITY });
}

/** The path to the console's root from a path below it, relative, so that it holds below any prefix. */
function baseOf(rest: string): string {
  return '../'.repeat(rest.split('/').length - 1) || './';
}

/**
 * Serves the web console: its page at a path and all paths below, which the page itself distinguishes, and its files, which
 * browsers may keep for ever. The files are read once, when the first is asked for.
 * @param root path of the page, with `/` at both ends
 */
export function serveConsole(app: FastifyInstance, dir: string, root: string): void {
  let assets: ConsoleAssets | undefined;
  const built = () => {
    assets ??= readConsole(dir);
    return assets;
  };

  function page(request: FastifyRequest<{ Params: { '*'?: string } }>, reply: FastifyReply): FastifyReply {
    begin(reply).header('cache-control', 'no-store');
    const found = built();
    if (!found) return reply.code(503).header('content-type', 'text/plain; charset=utf-8').send(NOT_BUILT);
    const nonce = randomBytes(NONCE_BYTES).toString('base64');
    // Of the path as it was sent: escaped slashes do not count.
    const [path = ''] = (request.raw.url ?? '').split('?');
    const html = found.index.replace(NONCE, nonce).replace(BASE, baseOf(path.slice(root.length)));
    return reply
      .headers({ 'content-type': 'text/html; charset=utf-8', 'content-security-policy': policy(nonce) })
      .send(html);
  }

  function file(request: FastifyRequest<{ Params: { name: string } }>, reply: FastifyReply): FastifyReply {
    begin(reply);
    const asset = built()?.files.get(request.params.name);
    if (!asset)
      return reply
        .code(404)
        .headers({ 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' })
        .send('there is no such file\n');
    reply.headers({
      'content-type': asset.contentType,
      'cache-control': 'public, max-age=31536000, immutable',
      vary: 'Accept-Encoding',
    });
    const accepts = request.headers['accept-encoding'];
    if (asset.br && /\bbr\b(?!\s*;\s*q=0(?:\.0*)?(?:,|$))/i.test(accepts ?? ''))
      return reply.header('content-encoding', 'br').send(asset.br);
    if (asset.gzip && takesGzip(accepts)) return reply.header('content-encoding', 'gzip').send(asset.gzip);
    return reply.send(asset.plain);
  }

  const location = `${root.split('/').at(-2)}/`;
  app.get(root.slice(0, -1), (_request, reply) =>
    begin(reply).code(308).headers({ location, 'content-type': 'text/plain' }).send(''),
  );
  app.get(root, page);
  app.get(`${root}*`, page);
  app.get(`${root}assets/:name`, file);
}
