/** On every answer: browsers of any origin may call, with any header. Source: docs/protocol/http.md. */
export const COMMON_HEADERS: Readonly<Record<string, string>> = {
  'access-control-allow-origin': '*',
  'access-control-allow-methods': '*',
  'access-control-allow-headers': '*',
  'access-control-expose-headers':
    'Content-Length, Access-Control-Allow-Origin, Access-Control-Allow-Headers,Cache-Control,Content-Language,Content-Type,Expires,Last-Modified,Pragma,FooBar',
  'access-control-max-age': '172800',
  'access-control-allow-credentials': 'false',
  'content-type': 'application/json',
};
