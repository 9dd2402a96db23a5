import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { showProgress } from './progress.ts';

test('progress is silent for two seconds, then says how far it is', () => {
  mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
  try {
    let done = 0;
    let text = '';
    const sink = { write: (part: string) => (text += part) };
    {
      using _shown = showProgress(() => `${done} of 3`, sink);
      mock.timers.tick(1_999);
      assert.equal(text, '');
      done = 1;
      mock.timers.tick(1);
      assert.equal(text, '1 of 3\n');
      done = 2;
      mock.timers.tick(5_000);
      assert.equal(text, '1 of 3\n2 of 3\n');
    }
    mock.timers.tick(60_000);
    assert.equal(text, '1 of 3\n2 of 3\n');
  } finally {
    mock.timers.reset();
  }
});

test('on a terminal one line is redrawn and removed', () => {
  mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
  try {
    let text = '';
    const sink = { isTTY: true, write: (part: string) => (text += part) };
    {
      using _shown = showProgress(() => 'half', sink);
      mock.timers.tick(2_000);
    }
    assert.equal(text, '\r\x1b[Khalf\r\x1b[K');
  } finally {
    mock.timers.reset();
  }
});
