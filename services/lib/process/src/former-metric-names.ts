import type { Environment } from './environment.ts';

/** Variable that leaves the former names out when it is `off`. */
const SWITCH = 'OPENIM_FORMER_METRIC_NAMES';

/**
 * Whether a process shows renamed metrics under their former names, too: yes unless the environment says `off`.
 * @throws RangeError that names the variable at fault.
 */
export function wantsFormerNames(environment: Environment): boolean {
  const value = environment.get(SWITCH) ?? 'on';
  if (value !== 'on' && value !== 'off') throw new RangeError(`${SWITCH}: ${value} is neither on nor off`);
  return value === 'on';
}

/** Begin of the name of every metric that is not one of OpenIM's. */
const PREFIX = 'openim_';

/** Metrics that got their unit into their names with the prefix. */
const RENAMED: Readonly<Record<string, string>> = {
  openim_delivery_batch_deliveries: 'im_delivery_batch',
  openim_gateway_push_fanout_sockets: 'gateway_push_fanout',
  openim_log_append_batch_records: 'im_log_append_batch',
};

/** Parts of the product whose metrics began with their own names; the others began with `im_`. */
const OWN_PREFIX = /^openim_(?=(?:gateway|operator)_)/;

/** Metrics that the version before did not have. */
const NEW = /^openim_(?:prober_|bus_up$)/;

/** The name that a metric had in the version before; undefined for one that kept its name, or is new. */
function formerName(name: string): string | undefined {
  if (!name.startsWith(PREFIX) || NEW.test(name)) return undefined;
  return (
    RENAMED[name] ?? (OWN_PREFIX.test(name) ? name.slice(PREFIX.length) : `im_${name.slice(PREFIX.length)}`)
  );
}

/**
 * Metrics in the Prometheus text format, with every renamed one a second time under its former name, so that
 * dashboards and alerts of the version before go on. The help of the copy names the metric to use.
 */
export function withFormerNames(text: string): string {
  const blocks = text.trimEnd().split('\n\n');
  return `${blocks.flatMap((block) => [block, ...formerBlock(block)]).join('\n\n')}\n`;
}

/** The copy of a metric's lines: help, type, samples. */
function formerBlock(block: string): string[] {
  const [, , name = ''] = block.split(' ', 3);
  const former = formerName(name);
  if (former === undefined) return [];
  const lines = block.slice(block.indexOf('\n') + 1);
  const renamed = lines.replaceAll(new RegExp(`^(# TYPE )?${name}`, 'gm'), `$1${former}`);
  return [`# HELP ${former} Deprecated: use ${name}\n${renamed}`];
}
