import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ServerKind, startServer } from '@im/dev-stores';
import { prometheusPrograms } from './install.ts';

/** A job of Prometheus' configuration file. */
export type ScrapeConfig = { readonly job_name: string } & Readonly<Record<string, unknown>>;

/** One series of a result, with its newest value. */
export interface PrometheusSample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** An alert that holds, or that has held for as long as it must. */
export interface FiringAlert {
  readonly name: string;
  readonly state: 'pending' | 'firing';
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/** A running Prometheus. */
export interface Prometheus extends AsyncDisposable {
  readonly url: string;
  /** The series of an expression now. @throws Error with what Prometheus says of the expression. */
  query(expr: string): Promise<PrometheusSample[]>;
  /** Alerts that are pending or firing. */
  alerts(): Promise<FiringAlert[]>;
}

const REQUEST_MS = 10_000;

/**
 * Starts it on a free port of 127.0.0.1, with its data and log in `dir`.
 * @param options.rules content of a file of rules.
 * @param options.interval of scrapes and evaluations, such as `1s`.
 */
export async function startPrometheus(
  dir: string,
  options: {
    readonly scrapes: readonly ScrapeConfig[];
    readonly rules?: object;
    readonly interval: string;
  },
): Promise<Prometheus> {
  const { prometheus } = await prometheusPrograms();
  const kind: ServerKind = {
    name: 'prometheus',
    server: { command: prometheus, args: [], env: {}, description: 'Prometheus of Debian' },
    portCount: 1,
    stopWithin: 5_000,
    uri: (port) => `http://127.0.0.1:${port}`,
    async prepare(folder, [port]) {
      const [rules, config] = [join(folder, 'rules.json'), join(folder, 'prometheus.json')];
      // JSON is YAML, too.
      await writeFile(rules, JSON.stringify(options.rules ?? { groups: [] }));
      const global = { scrape_interval: options.interval, evaluation_interval: options.interval };
      await writeFile(
        config,
        JSON.stringify({ global, rule_files: [rules], scrape_configs: options.scrapes }),
      );
      return {
        args: [
          `--config.file=${config}`,
          `--storage.tsdb.path=${join(folder, 'data')}`,
          `--web.listen-address=127.0.0.1:${port}`,
        ],
      };
    },
    async probe([port], signal) {
      const response = await fetch(`http://127.0.0.1:${port}/-/ready`, { signal });
      if (!response.ok) throw new Error(`it answers ${response.status}`);
    },
  };
  const server = await startServer(kind, { dir });

  async function ask<T>(path: string, parameters: Readonly<Record<string, string>> = {}): Promise<T> {
    const response = await fetch(`${server.uri}/api/v1/${path}`, {
      method: path === 'query' ? 'POST' : 'GET',
      ...(path === 'query' && { body: new URLSearchParams(parameters) }),
      signal: AbortSignal.timeout(REQUEST_MS),
    });
    const answer = (await response.json()) as {
      readonly status: string;
      readonly error?: string;
      readonly data: T;
    };
    if (answer.status !== 'success') throw new Error(`${parameters.query ?? path}: ${answer.error}`);
    return answer.data;
  }

  return {
    url: server.uri,
    async query(expr) {
      const { result } = await ask<{
        readonly result: readonly {
          readonly metric: Record<string, string>;
          readonly value: [number, string];
        }[];
      }>('query', { query: expr });
      return result.map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }));
    },
    async alerts() {
      const { alerts } = await ask<{ readonly alerts: readonly Omit<FiringAlert, 'name'>[] }>('alerts');
      return alerts.map(({ labels, annotations, state }) => ({
        name: labels.alertname ?? '',
        state,
        labels,
        annotations,
      }));
    },
    [Symbol.asyncDispose]: () => server.stop(),
  };
}
