import assert from 'node:assert/strict';
import { test } from 'node:test';
import { consoleURL } from './login.ts';

const API = { apiUrl: 'http://127.0.0.1:10002' };
const ofStatus = (console: string) => ({ ...API, console });

test('a console is at the address that the server knows, below one that is given, or where its cluster says', async () => {
  const own = { address: '/ops/', path: '/ops/' };
  const known = { address: 'https://im.example.com/base/t/x/ops/', path: '/ops/' };
  const x = { tenant: 'x' };
  assert.equal(await consoleURL(known, x, API), known.address);
  assert.equal(await consoleURL(own, x, API), 'http://127.0.0.1:10002/ops/');
  assert.equal(
    await consoleURL(known, { ...x, url: 'http://localhost:8080/' }, API),
    'http://localhost:8080/ops/',
  );
  const status = ofStatus('https://im.example.com/base/ops/');
  assert.equal(await consoleURL(own, x, status), 'https://im.example.com/base/t/x/ops/');
  assert.equal(await consoleURL(own, { tenant: 'default' }, status), 'https://im.example.com/base/ops/');
  assert.equal(await consoleURL({}, x, API), 'http://127.0.0.1:10002/console/', 'of a former server');
});
