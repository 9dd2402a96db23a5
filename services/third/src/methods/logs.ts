import { randomInt } from 'node:crypto';
import { pageRange, requireAdmin } from '@im/kit';
import { argsError, ERR, ImError, make, PLATFORM_NAMES } from '@im/protocol';
import type { ThirdDeps, ThirdMethods } from '../deps.ts';

const SINCE_ALWAYS = Date.UTC(2019, 0, 1);
const MAX_FILES = 100;

/** Log files that clients upload for support. */
export function logMethods({
  logs,
  users,
}: ThirdDeps): ThirdMethods<'uploadLogs' | 'deleteLogs' | 'searchLogs'> {
  return {
    async uploadLogs(ctx, req) {
      if (req.fileURLs.length === 0) throw argsError('fileURLs is empty');
      if (req.fileURLs.length > MAX_FILES) throw argsError(`fileURLs has more than ${MAX_FILES} entries`);
      const platform = PLATFORM_NAMES[req.platform];
      if (platform === undefined) throw argsError('platform must be 1 to 11');
      await logs.add(
        ctx.tenant,
        req.fileURLs.map(({ filename, URL: url }) => ({
          logID: String(randomInt(1_000_000_000, 10_000_000_000)),
          userID: ctx.opUserID,
          platform,
          url,
          filename,
          systemType: req.appFramework,
          version: req.version,
          ex: req.ex,
          createTime: Date.now(),
        })),
      );
      return make('third.UploadLogsResp');
    },

    async deleteLogs(ctx, { logIDs }) {
      requireAdmin(ctx);
      const distinct = [...new Set(logIDs)];
      if (distinct.length === 0) throw argsError('logIDs is empty');
      if ((await logs.count(ctx.tenant, distinct)) !== distinct.length) {
        throw new ImError(ERR.RecordNotFoundError, 'some of logIDs do not exist');
      }
      await logs.remove(ctx.tenant, distinct);
      return make('third.DeleteLogsResp');
    },

    async searchLogs(ctx, req) {
      requireAdmin(ctx);
      const { skip, limit } = pageRange(req.pagination);
      if (req.startTime > req.endTime) throw argsError('startTime is after endTime');
      const from = req.startTime === 0 ? SINCE_ALWAYS : req.startTime;
      const to = req.endTime === 0 ? Date.now() : req.endTime;
      const found = await logs.find(ctx.tenant, { keyword: req.keyword, from, to }, skip, limit);
      const owners = await users.getMany(ctx.tenant, [...new Set(found.logs.map((l) => l.userID))]);
      return make('third.SearchLogsResp', {
        total: found.total,
        logsInfos: found.logs.map((log) =>
          make('third.LogInfo', { ...log, nickname: owners.get(log.userID)?.nickname ?? '' }),
        ),
      });
    },
  };
}
