import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ServerConfigInput } from '../config.ts';
import { parseConfig } from '../config-check.ts';

for (const [what, s3, says] of [
  [
    'buckets in the name of an IP address',
    { pathStyle: false, endpoint: 'http://192.0.2.1:9000' },
    /s3\.pathStyle.*must be true/,
  ],
  [
    'buckets in the name of an IPv6 address for clients',
    { pathStyle: false, endpoint: 'https://s3.example.com', externalEndpoint: 'http://[2001:db8::1]' },
    /s3\.pathStyle.*must be true/,
  ],
  [
    'a session token with a role',
    { credentials: 'role', sessionToken: 't' },
    /s3\.sessionToken.*must be empty/,
  ],
  [
    'one public URL for many buckets',
    { publicBaseURL: 'https://cdn.example.com' },
    /s3\.publicBaseURL.*must contain \{bucket\}/,
  ],
  [
    'a public URL with a query',
    { publicBaseURL: 'https://cdn.example.com/{bucket}?x=1' },
    /s3\.publicBaseURL.*without a query/,
  ],
  ['URLs that are valid for longer than signatures may be', { accessHours: 169 }, /s3\.accessHours/],
  ['a decoder without room for its start', { thumbnails: { memoryMiB: 128 } }, /s3\.thumbnails\.memoryMiB/],
] satisfies [string, ServerConfigInput['s3'], RegExp][]) {
  test(`refused: ${what}`, () => {
    assert.throws(() => parseConfig({ s3 }), says);
  });
}

test('settings of clouds are accepted', () => {
  const oss = { endpoint: 'https://s3.oss-cn-hangzhou.aliyuncs.com', pathStyle: false };
  const shared = {
    bucket: 'im-1250000000',
    bucketPerTenant: false,
    publicBaseURL: 'https://cdn.example.com',
  };
  for (const s3 of [oss, { ...oss, ...shared }, { publicBaseURL: 'https://{bucket}.example.com' }]) {
    assert.equal(parseConfig({ s3 }).s3.accessHours, 168);
  }
});
