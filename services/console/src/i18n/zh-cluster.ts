import type { clusterEn } from './en-cluster.ts';

/** Texts in Chinese of the page of the cluster. */
export const clusterZh: typeof clusterEn = {
  title: '集群',
  alarms: '告警',
  noAlarms: '没有需要处理的问题。',
  severities: { critical: '严重', warning: '警告', info: '提示' },
  tenantOnly: '所有租户的汇总数据只对拥有全部租户权限的人开放。',
  kinds: {
    roleMissing: {
      message: (subject) => `没有进程承担角色 ${subject}。`,
      remedy: '请启动一个进程，或将副本数调到 0 以上。',
    },
    notReady: {
      message: () => '未就绪。',
      remedy: '请查看进程表中的原因和该进程的日志。原因消除后会自动就绪。',
    },
    degraded: { message: () => '在缺少某个存储的情况下运行。', remedy: '请恢复进程表中指出的存储。' },
    partitionsUnowned: {
      message: (_subject, value) => `消息日志有 ${value} 个分区没有进程负责落库。`,
      remedy: '消息会等待，不会丢失。重启后一分钟内会恢复；否则请启动承担 transfer 角色的进程。',
    },
    logUnknown: {
      message: () => 'NATS 没有返回消息日志的状态。',
      remedy: '请检查 NATS 是否运行并具备多数派。',
    },
    logFull: {
      message: (_subject, value) => `消息日志已使用 ${value} %。达到 90 % 后会拒绝新消息。`,
      remedy: '请连同卷一起调大 nats.logMaxBytes，或查明 transfer 无法落库的原因。',
    },
    lag: {
      message: (_subject, value) => `${value} 条消息等待落库。`,
      remedy: '请检查 MongoDB；如持续存在，请为 transfer 增加 CPU 或副本。',
    },
    parked: {
      message: (_subject, value) => `${value} 条消息被搁置，因为其租户或会话无法落库。`,
      remedy: 'transfer 的日志会指出租户和原因。其他消息不受影响。',
    },
    invalidTenants: {
      message: (_subject, value) => `${value} 个租户被拒绝。`,
      remedy: '请更正 openimctl status 指出的字段。',
    },
    gatewayFull: { message: (_subject, value) => `已使用 ${value} % 的连接数。`, remedy: '请增加网关。' },
    gatewayRefuses: {
      message: (_subject, value) => `每秒拒绝 ${value} 个连接。`,
      remedy: '请增加网关，或等待高峰过去。',
    },
    slowProcess: {
      message: (_subject, value) => `事件循环延迟 ${value} 毫秒。`,
      remedy: '请增加 CPU，或增加该角色的副本。',
    },
    versionsDiffer: {
      message: (_subject, value) => `有 ${value} 个版本同时运行。`,
      remedy: '升级期间无需处理；否则请查看 openimctl status。',
    },
    draining: { message: (_subject, value) => `正在迁移连接，剩余 ${value} 个。`, remedy: '无需处理。' },
  },
  log: '消息日志',
  logSize: '大小',
  logOf: (bytes, most) => `${bytes} / ${most}`,
  lag: '等待落库',
  partitions: '有进程负责的分区',
  parked: '被搁置',
  gateways: '网关',
  gateway: '网关',
  connections: '连接数',
  handshakes: '登录/秒',
  refused: '拒绝/秒',
  latency: '登录 p99',
  state: '状态',
  serving: '服务中',
  draining: (left, rate, eta) => `迁移中：剩余 ${left}，${rate}/秒，${eta}`,
  processes: '进程',
  process: '进程',
  roles: '角色',
  version: '版本',
  ready: '就绪',
  notReady: '未就绪',
  unknown: '未知',
  started: '启动时间',
  memory: '内存',
  delay: '事件循环 p99',
  kubernetes: '发布步骤、卷和节点只有 Kubernetes 知道：请在那里查看 openimctl status。',
  tenantAlarms: {
    quota: (what) => `配额已用尽：${what}。`,
    quotaRemedy: '请提高配额或释放资源：需要更多资源的请求会被拒绝。',
    deadLetters: '有回调在一天内未能送达。',
    deadLettersRemedy: '请修复接收方，然后在“回调与推送”页面重新投递。',
    jobs: (what) => `定时任务失败：${what}。`,
    jobsRemedy: '请在“定时任务”页面查看错误并重新运行。',
    show: '查看',
  },
};
