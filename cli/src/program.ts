import { Command } from 'commander';
import { auditList } from './commands/audit/list.ts';
import { bench } from './commands/bench.ts';
import { check } from './commands/check.ts';
import { clusterEvents } from './commands/cluster/events.ts';
import { clusterList } from './commands/cluster/list.ts';
import { clusterLogs } from './commands/cluster/logs.ts';
import { codeTest } from './commands/code/test.ts';
import { completion } from './commands/completion.ts';
import { configCheck } from './commands/config/check.ts';
import { configDoc } from './commands/config/doc.ts';
import { configPrint } from './commands/config/print.ts';
import { connectionCount } from './commands/connection/count.ts';
import { connectionKick } from './commands/connection/kick.ts';
import { connectionList } from './commands/connection/list.ts';
import { consoleLogin } from './commands/console/login.ts';
import { contextAdd } from './commands/context/add.ts';
import { contextList } from './commands/context/list.ts';
import { contextRemove } from './commands/context/remove.ts';
import { contextUse } from './commands/context/use.ts';
import { cronList } from './commands/cron/list.ts';
import { cronRun } from './commands/cron/run.ts';
import { deadletterList } from './commands/deadletter/list.ts';
import { deadletterRetry } from './commands/deadletter/retry.ts';
import { deadletterShow } from './commands/deadletter/show.ts';
import { dev } from './commands/dev.ts';
import { doctor } from './commands/doctor.ts';
import { gatewayDrain } from './commands/gateway/drain.ts';
import { gatewayList } from './commands/gateway/list.ts';
import { gatewayUndrain } from './commands/gateway/undrain.ts';
import { groupDismiss } from './commands/group/dismiss.ts';
import { groupGet } from './commands/group/get.ts';
import { groupList } from './commands/group/list.ts';
import { groupMembers } from './commands/group/members.ts';
import { keyList } from './commands/key/list.ts';
import { keyRevoke } from './commands/key/revoke.ts';
import { keyRotate } from './commands/key/rotate.ts';
import { man } from './commands/man.ts';
import { messageSearch } from './commands/message/search.ts';
import { pushTest } from './commands/push/test.ts';
import { recv } from './commands/recv.ts';
import { report } from './commands/report.ts';
import { send } from './commands/send.ts';
import { seqAudit } from './commands/seq/audit.ts';
import { seqInspect } from './commands/seq/inspect.ts';
import { statsDays } from './commands/stats/days.ts';
import { statsGroups } from './commands/stats/groups.ts';
import { statsUsers } from './commands/stats/users.ts';
import { status } from './commands/status.ts';
import { tail } from './commands/tail.ts';
import { tenantCreate } from './commands/tenant/create.ts';
import { tenantDelete } from './commands/tenant/delete.ts';
import { tenantExport } from './commands/tenant/export.ts';
import { tenantGet } from './commands/tenant/get.ts';
import { tenantList } from './commands/tenant/list.ts';
import { tenantResume, tenantSuspend } from './commands/tenant/suspend.ts';
import { tenantUpdate } from './commands/tenant/update.ts';
import { tenantUsage } from './commands/tenant/usage.ts';
import { tokenCreate } from './commands/token/create.ts';
import { tokenInspect } from './commands/token/inspect.ts';
import { tokenList } from './commands/token/list.ts';
import { tokenRevoke } from './commands/token/revoke.ts';
import { top } from './commands/top.ts';
import { upgradeApprove } from './commands/upgrade/approve.ts';
import { upgradeHistory } from './commands/upgrade/history.ts';
import { upgradePause } from './commands/upgrade/pause.ts';
import { upgradePlan } from './commands/upgrade/plan.ts';
import { upgradeResume } from './commands/upgrade/resume.ts';
import { upgradeRollback } from './commands/upgrade/rollback.ts';
import { upgradeStatus } from './commands/upgrade/status.ts';
import { userBan } from './commands/user/ban.ts';
import { userCreate } from './commands/user/create.ts';
import { userDelete } from './commands/user/delete.ts';
import { userExport } from './commands/user/export.ts';
import { userGet } from './commands/user/get.ts';
import { userImport } from './commands/user/import.ts';
import { userList } from './commands/user/list.ts';
import { userLogout } from './commands/user/logout.ts';
import { userUnban } from './commands/user/unban.ts';
import { userUpdate } from './commands/user/update.ts';
import { verify } from './commands/verify.ts';
import { packageVersion, version } from './commands/version.ts';
import { webhookDeliveries } from './commands/webhook/deliveries.ts';
import { webhookListen } from './commands/webhook/listen.ts';
import { webhookReplay } from './commands/webhook/replay.ts';
import { webhookTest } from './commands/webhook/test.ts';

function noun(name: string, description: string, ...verbs: Command[]): Command {
  const command = new Command(name).description(description);
  for (const verb of verbs) command.addCommand(verb);
  return command;
}

function throwInsteadOfExit(command: Command): Command {
  command.exitOverride();
  for (const child of command.commands) throwInsteadOfExit(child);
  return command;
}

async function takeContext(command: Command): Promise<void> {
  const { applyContext } = await import('./context/apply.ts');
  applyContext(command);
}

/**
 * The command line of openimctl. Commands import their implementation only when they run, so that the
 * tool starts fast; parsing throws instead of ending the process.
 * @param prepare called with a command that was parsed, before it runs. @default it takes what its context knows
 */
export function createProgram(prepare: (command: Command) => Promise<void> = takeContext): Command {
  const program = new Command('openimctl')
    .description('Runs and operates an OpenIM-compatible instant messaging service.')
    .version(packageVersion())
    .showHelpAfterError('(see --help)')
    .hook('preAction', (_, command) => prepare(command))
    .addCommand(dev())
    .addCommand(
      noun('context', 'servers by name', contextAdd(), contextUse(), contextList(), contextRemove()),
    )
    .addCommand(status())
    .addCommand(top())
    .addCommand(tail())
    .addCommand(doctor())
    .addCommand(check())
    .addCommand(report())
    .addCommand(
      noun('cluster', 'clusters on Kubernetes', clusterList(), status(), clusterEvents(), clusterLogs()),
    )
    .addCommand(
      noun('gateway', 'gateways of a cluster on Kubernetes', gatewayList(), gatewayDrain(), gatewayUndrain()),
    )
    .addCommand(
      noun(
        'upgrade',
        'upgrades of a cluster on Kubernetes',
        upgradePlan(),
        upgradeStatus(),
        upgradeHistory(),
        upgradePause(),
        upgradeResume(),
        upgradeApprove(),
        upgradeRollback(),
      ),
    )
    .addCommand(
      noun(
        'tenant',
        'tenants of a cluster on Kubernetes',
        tenantList(),
        tenantGet(),
        tenantCreate(),
        tenantUpdate(),
        tenantSuspend(),
        tenantResume(),
        tenantUsage(),
        tenantExport(),
        tenantDelete(),
      ),
    )
    .addCommand(
      noun(
        'user',
        'users of a tenant',
        userCreate(),
        userImport(),
        userList(),
        userGet(),
        userUpdate(),
        userBan(),
        userUnban(),
        userLogout(),
        userDelete(),
        userExport(),
      ),
    )
    .addCommand(
      noun(
        'connection',
        'live connections of a tenant',
        connectionList(),
        connectionCount(),
        connectionKick(),
      ),
    )
    .addCommand(noun('group', 'groups of a tenant', groupList(), groupGet(), groupMembers(), groupDismiss()))
    .addCommand(noun('audit', 'what administrators did', auditList()))
    .addCommand(noun('code', 'verification codes by SMS and mail', codeTest()))
    .addCommand(noun('console', 'the web console', consoleLogin()))
    .addCommand(noun('cron', 'scheduled jobs', cronList(), cronRun()))
    .addCommand(
      noun(
        'key',
        'keys that sign tokens, and secrets of administrators',
        keyList(),
        keyRotate(),
        keyRevoke(),
      ),
    )
    .addCommand(noun('message', 'stored messages', messageSearch()))
    .addCommand(noun('stats', 'what a tenant did, day by day', statsDays(), statsUsers(), statsGroups()))
    .addCommand(noun('push', 'offline notifications', pushTest()))
    .addCommand(
      noun(
        'token',
        'tokens of users and backends',
        tokenCreate(),
        tokenInspect(),
        tokenList(),
        tokenRevoke(),
      ),
    )
    .addCommand(
      noun(
        'webhook',
        'webhooks of a tenant',
        webhookListen(),
        webhookTest(),
        webhookDeliveries(),
        webhookReplay(),
      ),
    )
    .addCommand(
      noun(
        'deadletter',
        'deliveries that were given up, and messages that could not be stored',
        deadletterList(),
        deadletterShow(),
        deadletterRetry(),
      ),
    )
    .addCommand(noun('seq', 'positions in conversations', seqInspect(), seqAudit()))
    .addCommand(send())
    .addCommand(recv())
    .addCommand(verify())
    .addCommand(bench())
    .addCommand(noun('config', 'config files of the server', configCheck(), configPrint(), configDoc()))
    .addCommand(completion())
    .addCommand(man())
    .addCommand(version());
  return throwInsteadOfExit(program);
}
