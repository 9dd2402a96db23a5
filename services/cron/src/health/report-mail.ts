import type { Language } from '@im/contract';
import type { HealthFigures, HealthProblem } from './figures.ts';

type Words = Readonly<Record<HealthProblem | 'webhooksWaiting', string>>;

const WORDS: Readonly<Record<Language, Words>> = {
  en: {
    users: 'Registered users',
    storage: 'Stored bytes',
    parkedConversations: 'Conversations whose messages wait',
    deadLetters: 'Messages that the database refused',
    webhooksWaiting: 'Webhook deliveries that wait',
    webhooksDead: 'Webhook deliveries that failed for good',
    indexDifferences: 'Indexes that are not as declared',
    failingJobs: 'Scheduled jobs that fail (runs in a row)',
    lateJobs: 'Scheduled jobs that are late',
  },
  zh: {
    users: '注册用户数',
    storage: '已用存储（字节）',
    parkedConversations: '消息待处理的会话数',
    deadLetters: '数据库拒绝的消息数',
    webhooksWaiting: '等待重试的 Webhook',
    webhooksDead: '最终失败的 Webhook',
    indexDifferences: '与声明不一致的索引数',
    failingJobs: '失败的定时任务（连续次数）',
    lateJobs: '逾期的定时任务',
  },
};

const HEADS: Readonly<
  Record<Language, { readonly ok: string; readonly problems: string; readonly mark: string }>
> = {
  en: { ok: 'everything is in order', problems: 'needs attention', mark: ' <- look at this' },
  zh: { ok: '一切正常', problems: '需要关注', mark: ' <- 请检查' },
};

/** A report as subject and text of a mail. @param day as `2030-01-31`. */
export function reportMail(
  tenant: string,
  day: string,
  figures: HealthFigures,
  problems: readonly HealthProblem[],
  language: Language,
): { readonly subject: string; readonly text: string } {
  const [words, head] = [WORDS[language], HEADS[language]];
  const of = (value: number, quota: number) => (quota > 0 ? `${value} / ${quota}` : String(value));
  const values: Readonly<Record<keyof Words, string>> = {
    users: of(figures.users, figures.userQuota),
    storage: of(figures.storageBytes, figures.storageQuota),
    parkedConversations: String(figures.parkedConversations),
    deadLetters: String(figures.deadLetters),
    webhooksWaiting: String(figures.webhooksWaiting),
    webhooksDead: String(figures.webhooksDead),
    indexDifferences: String(figures.indexDifferences),
    failingJobs: figures.failingJobs.join(', ') || '0',
    lateJobs: figures.lateJobs.join(', ') || '0',
  };
  const isProblem = new Set<string>(problems);
  const lines = (Object.keys(values) as (keyof Words)[]).map(
    (name) => `${words[name]}: ${values[name]}${isProblem.has(name) ? head.mark : ''}`,
  );
  const state = problems.length === 0 ? head.ok : head.problems;
  return { subject: `OpenIM ${tenant} ${day}: ${state}`, text: `${lines.join('\n')}\n` };
}
