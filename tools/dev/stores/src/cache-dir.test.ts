import assert from 'node:assert/strict';
import { homedir } from 'node:os';
import { test } from 'node:test';
import { backendsCacheDir } from './cache-dir.ts';

test('the cache folder follows OPENIM_CACHE_DIR, then XDG_CACHE_HOME, then the home folder', () => {
  assert.equal(backendsCacheDir({ OPENIM_CACHE_DIR: '/a', XDG_CACHE_HOME: '/b' }), '/a/backends');
  assert.equal(backendsCacheDir({ XDG_CACHE_HOME: '/b' }), '/b/openim-operator/backends');
  assert.equal(backendsCacheDir({ XDG_CACHE_HOME: '' }), `${homedir()}/.cache/openim-operator/backends`);
});

test('a relative cache folder is refused by the name of its variable', () => {
  assert.throws(
    () => backendsCacheDir({ OPENIM_CACHE_DIR: 'cache' }),
    /OPENIM_CACHE_DIR must be an absolute path/,
  );
  assert.throws(() => backendsCacheDir({ XDG_CACHE_HOME: './x' }), /XDG_CACHE_HOME must be an absolute path/);
});
