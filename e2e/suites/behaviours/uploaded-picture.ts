import assert from 'node:assert/strict';
import { crc32, deflateSync } from 'node:zlib';
import { eventually } from '../eventually.ts';
import { type Behaviour, freshText } from '../fixture.ts';

const WIDTH = 320;
const HEIGHT = 200;

function chunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}

/** A picture that no other of the run equals, so that its bytes are uploaded. */
function picture(): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(WIDTH);
  header.writeUInt32BE(HEIGHT, 4);
  header.set([8, 2], 8);
  const rows = Buffer.alloc(HEIGHT * (1 + WIDTH * 3));
  rows.write(freshText('picture'), 1);
  const parts = [chunk('IHDR', header), chunk('IDAT', deflateSync(rows)), chunk('IEND', Buffer.alloc(0))];
  return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), ...parts]);
}

async function get(url: string): Promise<{ bytes: Buffer; type: string | null }> {
  const answer = await fetch(url);
  assert.equal(answer.status, 200, url);
  return { bytes: Buffer.from(await answer.arrayBuffer()), type: answer.headers.get('content-type') };
}

export const uploadedPicture: Behaviour = {
  name: 'an uploaded picture is read in full and as a thumbnail',
  async run({ alice, bob }) {
    const uploaded = picture();
    const url = await alice.uploadFile(`${freshText('photo')}.png`, 'image/png', uploaded);
    assert.deepEqual((await get(url)).bytes, uploaded);
    // Receivers show this size in chats: the URL goes with the message.
    await alice.sendText({ user: bob.userID }, `${url}?type=image&width=64&height=64`);
    const { textElem } = await bob.received(`${url}?type=image&width=64&height=64`);
    await eventually(async () => {
      // A busy machine may not make it in the time of a request, and serves the picture until then.
      const { bytes, type } = await get(textElem?.content ?? '');
      assert.deepEqual([type, bytes.readUInt32BE(16), bytes.readUInt32BE(20)], ['image/png', 64, 40]);
    });
  },
};
