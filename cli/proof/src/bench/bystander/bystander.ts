import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Admin, Endpoint } from '@im/client';
import { chatConversationID, SESSION } from '@im/protocol';
import { decodeFact, now, textTable, type Verdict } from '../../checker/index.ts';
import { openWireLoadClients } from '../../verify/wire-load-clients.ts';
import type { WireUser } from '../../verify/wire-user.ts';
import { Histogram } from '../histogram.ts';
import type { OwnServer } from '../own-server.ts';
import { type ProcessUsage, processUsage } from '../process-usage.ts';
import type { Attack, AttackedServer } from './attack.ts';
import type { AttackAnswers, AttackCommand, AttackOrder, AttackReport } from './attack-process.ts';
import { CpuClock } from './cpu-clock.ts';

/** What an attack is run against. */
export interface BystanderServer {
  /** Where the innocent pair is. */
  readonly endpoints: readonly Endpoint[];
  readonly admin: Admin;
  /** Where an attack of another tenant comes from. */
  order(tenant: string): Omit<AttackOrder, 'attack' | 'connections'>;
  /** The server, where the bench started it. */
  readonly own: AttackedServer | undefined;
  /** CPU and memory of the server's own processes, and of its stores. */
  usage(): { readonly ours: ProcessUsage; readonly stores: ProcessUsage };
}

/** Latencies of the innocent pair, in microseconds. */
export interface PairLatency {
  readonly acknowledged: Histogram;
  readonly delivered: Histogram;
  /** CPU time that server and stores used while a message was in transit to the receiver. */
  readonly deliveredCpu: Histogram;
}

/** What an innocent pair saw of one attack, or of several at once. */
export interface BystanderResult {
  /** Their names. */
  readonly attack: string;
  readonly quiet: PairLatency;
  readonly attacked: PairLatency;
  readonly verdict: Verdict;
  /** What the attackers were answered. */
  readonly answers: AttackAnswers;
  /** Attacks that did not take place: their attackers were never answered as they should have been. */
  readonly missing: readonly string[];
  /** Cores that the server used during the attack, and the attackers'. */
  readonly serverCores: number;
  readonly attackerCores: number;
}

/** Where an attack of a tenant of an own server comes from. */
export function orderOf(server: OwnServer, tenant: string): ReturnType<BystanderServer['order']> {
  const { adminUser, adminSecret } = server.tenant(tenant);
  return {
    endpoints: server.gateways.map((_, i) => server.endpoint(tenant, i)),
    adminUser,
    secret: adminSecret,
    nats: server.stores.nats.uri,
  };
}

const PLATFORM = 5;
const RATE_EACH_WAY = 10;
const WARM_UP_MS = 2_000;
const SAMPLE_MS = 50;
const SETTLE_MS = 1_000;
const PREPARE_MS = 120_000;
const STOP_MS = 10_000;
const PROCESS = new URL('./attack-process.ts', import.meta.url);
/** A delivery within this time, or within twice the quiet one, is within its limit. */
const UNFELT_MS = 100;

/** Measures a pair that exchanges 20 messages/s, for as long without the attacks as with all of them at once. */
export async function besideAttacks(
  attacks: readonly Attack[],
  around: BystanderServer,
  { seconds, connections }: { readonly seconds: number; readonly connections: number },
): Promise<BystanderResult> {
  const dir = mkdtempSync(join(tmpdir(), 'im-bystander-'));
  const name = `by${Date.now().toString(36)}`;
  const [a, b] = [`${name}a`, `${name}b`];
  const child = fork(PROCESS, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const undo: (() => void)[] = [];
  let sampling: NodeJS.Timeout | undefined;
  try {
    const orders = attacks.map(({ name: attack, tenant }) => ({
      attack,
      connections,
      ...around.order(tenant),
    }));
    await tell(child, orders, 'ready', PREPARE_MS);
    const loadClients = await openWireLoadClients({ ...around, dir }, name, [
      { userID: a, platformID: PLATFORM },
      { userID: b, platformID: PLATFORM },
    ]);
    const conversation = chatConversationID({
      sessionType: SESSION.Single,
      sendID: a,
      recvID: b,
      groupID: '',
    });
    loadClients.members(conversation, [a, b]);
    const exchange = async (ms: number): Promise<void> => {
      const until = now() + ms;
      await Promise.all(
        loadClients.devices.map((device: WireUser, i) =>
          loadClients.openLoop(device, { user: i === 0 ? b : a }, conversation, RATE_EACH_WAY, until),
        ),
      );
    };
    const clock = new CpuClock();
    const look = () => {
      const { ours, stores } = around.usage();
      clock.sample(now(), ours.cpuMs + stores.cpuMs);
    };
    sampling = setInterval(look, SAMPLE_MS);
    await exchange(WARM_UP_MS);
    const quietFrom = now();
    await exchange(seconds * 1_000);
    const attackedFrom = now();
    const cpu = { server: around.usage().ours.cpuMs, attacker: cpuOf(child) };
    for (const { disturb } of attacks) if (disturb && around.own) undo.push(disturb(around.own));
    child.send('go');
    await exchange(seconds * 1_000);
    const attackedMs = now() - attackedFrom;
    const serverCores = (around.usage().ours.cpuMs - cpu.server) / attackedMs;
    const attackerCores = (cpuOf(child) - cpu.attacker) / attackedMs;
    const done = await tell(child, 'stop', 'done', STOP_MS);
    const verdict = await loadClients.finish(SETTLE_MS, { limitMs: 60_000 });
    look();
    const phases = { quietFrom, attackedFrom };
    const { quiet, attacked } = latenciesOf(join(dir, `${name}.facts`), phases, clock);
    const answers = done.kind === 'done' ? done.answers : {};
    const missing = attacks.filter((attack) => !tookPlace(attack, answers)).map((each) => each.name);
    const attack = attacks.map((each) => each.name).join(', ');
    return { attack, quiet, attacked, verdict, answers, missing, serverCores, attackerCores };
  } finally {
    clearInterval(sampling);
    for (const each of undo) each();
    child.kill('SIGKILL');
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Sends a message to the attacker and waits for its report. */
async function tell(
  child: ChildProcess,
  message: AttackCommand,
  kind: AttackReport['kind'],
  limitMs: number,
): Promise<AttackReport> {
  const answer = Promise.withResolvers<AttackReport>();
  child.once('message', (report: AttackReport) => {
    if (report.kind === kind) answer.resolve(report);
    else answer.reject(new Error(report.kind === 'failed' ? report.error : `unexpected: ${report.kind}`));
  });
  child.once('exit', (code) => answer.reject(new Error(`the attacker ended with ${code}`)));
  answer.promise.catch(() => {});
  child.send(message);
  const late = new AbortController();
  const limit = sleep(limitMs, undefined, { signal: late.signal }).then(() => {
    throw new Error(`the attacker did not become ${kind} within ${limitMs} ms`);
  });
  limit.catch(() => {});
  try {
    return await Promise.race([answer.promise, limit]);
  } finally {
    late.abort();
  }
}

/** Whether attackers got responses, and those that the attack expects. */
function tookPlace({ name, evidence = /./ }: Attack, answers: AttackAnswers): boolean {
  return Object.keys(answers[name] ?? {}).some((answer) => evidence.test(answer));
}

function cpuOf(child: ChildProcess): number {
  return child.pid === undefined ? 0 : (processUsage(child.pid)?.cpuMs ?? 0);
}

/** Latencies before and after the attack began, by when a message was sent for the first time. */
function latenciesOf(
  file: string,
  { quietFrom, attackedFrom }: { readonly quietFrom: number; readonly attackedFrom: number },
  clock: CpuClock,
): { quiet: PairLatency; attacked: PairLatency } {
  const none = (): PairLatency => ({
    acknowledged: new Histogram(),
    delivered: new Histogram(),
    deliveredCpu: new Histogram(),
  });
  const [quiet, attacked] = [none(), none()];
  const sent = new Map<string, { at: number; device: string }>();
  const arrived = new Set<string>();
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    if (line === '') continue;
    const fact = decodeFact(line);
    if (fact.kind === 'sent') sent.set(fact.id, { at: fact.at, device: fact.device });
    if (fact.kind !== 'acked' && fact.kind !== 'got') continue;
    const from = sent.get(fact.id);
    if (from === undefined || from.at < quietFrom) continue;
    const phase = from.at < attackedFrom ? quiet : attacked;
    const took = (fact.at - from.at) * 1_000;
    if (fact.kind === 'acked') phase.acknowledged.add(took);
    // The sender's own copy and later copies are no deliveries.
    else if (fact.device !== from.device && !arrived.has(fact.id)) {
      arrived.add(fact.id);
      phase.delivered.add(took);
      phase.deliveredCpu.add(clock.between(from.at, fact.at) * 1_000);
    }
  }
  return { quiet, attacked };
}

const ms = (histogram: Histogram, quantile: number) => histogram.at(quantile) / 1_000;

/** What is wrong with a result; empty when the pair did not feel the attack. */
export function exceeded({ attack, quiet, attacked, verdict, missing }: BystanderResult): string[] {
  const found = missing.map(
    (name) => `${name}: did not take place, as none of its attackers was answered so`,
  );
  const { lost, doubled, reordered } = verdict.counts;
  if (lost + doubled + reordered > 0) {
    found.push(`${attack}: ${lost} lost, ${doubled} doubled, ${reordered} reordered`);
  }
  if (verdict.refused + verdict.open > 0) {
    found.push(`${attack}: ${verdict.refused + verdict.open} of the pair's messages were not acknowledged`);
  }
  for (const kind of ['acknowledged', 'delivered'] as const) {
    const limit = Math.max(UNFELT_MS, 2 * ms(quiet[kind], 0.99));
    const p99 = ms(attacked[kind], 0.99);
    if (p99 > limit) {
      found.push(`${attack}: p99 ${kind} ${p99.toFixed(0)} ms, more than ${limit.toFixed(0)} ms`);
    }
  }
  return found;
}

function listed(answers: Readonly<Record<string, number>>): string {
  return Object.entries(answers)
    .sort((x, y) => y[1] - x[1])
    .map(([answer, count]) => `${answer}: ${count}`)
    .join(', ');
}

/**
 * The table of all attacks: the pair's p50/p99/max in ms without and with each, and the CPU time of server and
 * stores while a message was in transit.
 */
export function bystanderTable(results: readonly BystanderResult[]): string {
  const three = (histogram: Histogram) =>
    `${ms(histogram, 0.5).toFixed(0)}/${ms(histogram, 0.99).toFixed(0)}/${(histogram.max / 1_000).toFixed(0)}`;
  const head = ['attack', 'ack quiet', 'ack', 'delivered quiet', 'delivered'].concat([
    'CPU quiet',
    'CPU',
    'lost',
    'doubled',
    'reordered',
    'unacked',
    'server cores',
    'attacker cores',
    'exceeded',
    'answers',
  ]);
  const rows = results.map((result) => [
    result.attack,
    three(result.quiet.acknowledged),
    three(result.attacked.acknowledged),
    three(result.quiet.delivered),
    three(result.attacked.delivered),
    three(result.quiet.deliveredCpu),
    three(result.attacked.deliveredCpu),
    ...(['lost', 'doubled', 'reordered'] as const).map((fault) => String(result.verdict.counts[fault])),
    String(result.verdict.refused + result.verdict.open),
    result.serverCores.toFixed(2),
    result.attackerCores.toFixed(2),
    exceeded(result).length > 0 ? 'yes' : 'no',
    Object.values(result.answers).map(listed).join('; '),
  ]);
  return textTable([head, ...rows]);
}
