import type { TenantId } from '@im/contract';
import { type CallContext, requireAdmin } from '@im/kit';
import { argsError, decode, ERR, encode, ImError, make, type msg, queueKey } from '@im/protocol';
import type { DeadLetterRepo, KeptDeadLetter, ParkedRecordRepo } from '@im/store';
import type { MsgDeps, MsgMethods } from '../deps.ts';
import { changeKey } from '../send/record.ts';

/** Dependencies of {@link deadLetterMethods}. */
export interface DeadLetterDeps {
  readonly bus: Pick<MsgDeps['bus'], 'log' | 'partitionOf'>;
  readonly deadLetters: DeadLetterRepo;
  readonly parkedRecords: Pick<ParkedRecordRepo, 'markers' | 'count'>;
}

const MAX_LIMIT = 100;
const ID = /^\d{1,16}:(?:-1|\d{1,6})$/;

/** What was given up, or waits, on its way from the log into the database; for administrators. */
export function deadLetterMethods(
  deps: DeadLetterDeps,
): MsgMethods<'searchDeadLetters' | 'getDeadLetter' | 'replayDeadLetter' | 'searchParked'> {
  const { bus, deadLetters, parkedRecords } = deps;

  async function letterOf({ tenant }: CallContext, id: string) {
    if (!ID.test(id)) throw argsError(`id must be that of a dead letter, such as 1234:0; ${id} is none`);
    const letter = await deadLetters.get(tenant, id);
    if (!letter) throw new ImError(ERR.RecordNotFoundError, `there is no dead letter ${id}`);
    return letter;
  }

  return {
    async searchDeadLetters(ctx, { limit, cursor }) {
      requireAdmin(ctx);
      const most = limitOf(limit);
      const letters = await deadLetters.list(ctx.tenant, most, cursor === '' ? undefined : placeOf(cursor));
      return make('msg.SearchDeadLettersResp', {
        letters: letters.map((letter) => shown(letter)),
        cursor: letters.length < most ? '' : (letters.at(-1)?.id ?? ''),
      });
    },
    async getDeadLetter(ctx, { id }) {
      requireAdmin(ctx);
      const letter = await letterOf(ctx, id);
      const entry = readable(letter)?.entries[letter.entry];
      const message = entry && decode('sdkws.MsgData', entry.msgData);
      return make('msg.GetDeadLetterResp', {
        letter: shown(letter, { bytes: letter.record.length, message: message ?? null }),
      });
    },
    async replayDeadLetter(ctx, { id }) {
      requireAdmin(ctx);
      const letter = await letterOf(ctx, id);
      const { tenant } = ctx;
      await deadLetters.beginRetry(tenant, id, new Date());
      const { bytes, partition, queueKey: key } = again(tenant, letter, bus.partitionOf);
      await bus.log.append(tenant, partition, bytes, key === undefined ? {} : { queueKey: key });
      await deadLetters.remove(tenant, id);
      return make('msg.ReplayDeadLetterResp');
    },
    async searchParked(ctx, { limit, cursor }) {
      requireAdmin(ctx);
      const most = limitOf(limit);
      const markers = (await parkedRecords.markers()).filter(({ tenant }) => tenant === ctx.tenant);
      const named = markers.map((marker) => ({ name: `${marker.partition} ${marker.conversation}`, marker }));
      named.sort((a, b) => (a.name < b.name ? -1 : 1));
      const rest = cursor === '' ? named : named.filter(({ name }) => name > cursor);
      const page = rest.slice(0, most);
      const parked = page.map(async ({ marker }): Promise<msg.ParkedRecords> => {
        const { conversation, partition, reason, since } = marker;
        const records = await parkedRecords.count(marker);
        return make('msg.ParkedRecords', {
          conversation,
          partition,
          reason,
          since: since.getTime(),
          records,
        });
      });
      return make('msg.SearchParkedResp', {
        parked: await Promise.all(parked),
        cursor: rest.length > page.length ? (page.at(-1)?.name ?? '') : '',
      });
    },
  };
}

function limitOf(limit: number): number {
  if (limit < 0) throw argsError('limit must be 1 or more');
  return Math.min(MAX_LIMIT, limit || MAX_LIMIT);
}

function placeOf(cursor: string): { readonly position: number; readonly entry: number } {
  if (!ID.test(cursor)) throw argsError('cursor must be that of the page before');
  const [position = '', entry = ''] = cursor.split(':');
  return { position: Number(position), entry: Number(entry) };
}

/** @param more of one that is looked at */
function shown(
  { id, position, entry, reason, at, retriedAt, message }: KeptDeadLetter,
  more: Partial<Pick<msg.DeadLetter, 'bytes' | 'message'>> = {},
): msg.DeadLetter {
  return make('msg.DeadLetter', {
    ...{ id, position, entry, reason, time: at.getTime(), retryTime: retriedAt?.getTime() ?? 0 },
    ...message,
    ...more,
  });
}

/** The record of a letter; undefined when it cannot be read. */
function readable({ entry, record }: { readonly entry: number; readonly record: Uint8Array }) {
  return entry < 0 ? undefined : decode('log.Record', record);
}

/**
 * A record to append in place of a letter: its message alone, since everything else of the record took effect when it was
 * read. Its key is the same for each retry of this letter, so that the log drops one that is repeated soon. A record that
 * could not be read goes as it is, for a version that can.
 * @throws ImError 1001 for one of which an earlier version kept too little.
 */
function again(
  tenant: TenantId,
  letter: KeptDeadLetter & { readonly record: Uint8Array },
  partitionOf: MsgDeps['bus']['partitionOf'],
): { readonly bytes: Uint8Array; readonly partition: number; readonly queueKey?: string } {
  const record = readable(letter);
  const { id, partition } = letter;
  if (!record) {
    if (partition === undefined)
      throw argsError(
        `dead letter ${id} was kept by an earlier version, which did not note where it belongs`,
      );
    return { bytes: letter.record, partition };
  }
  const entry = record.entries[letter.entry];
  if (!entry)
    throw new ImError(ERR.RecordNotFoundError, `the record of dead letter ${id} has no such message`);
  const key = queueKey(record);
  const alone = make('log.Record', {
    ...record,
    ...{ dedupKey: changeKey(tenant, `dead letter ${id}`), entries: [entry], traceparent: '' },
    ...{ addedUserIDs: [], removedUserIDs: [], hideHistory: false, deletedRecords: [], control: null },
  });
  return { bytes: encode('log.Record', alone), partition: partition ?? partitionOf(key), queueKey: key };
}
