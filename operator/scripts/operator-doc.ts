// Prints docs/reference/operator.md from the variables that the operator reads.
import { VARIABLES, type Variable } from '../src/settings.ts';

const rows = Object.values(VARIABLES).map((variable: Variable) => {
  const { name, values, description } = variable;
  return `| \`${name}\` | ${values} | ${variable.default ?? 'required'} | ${description} |`;
});
const lines = [
  '# Operator settings',
  '',
  'The operator takes its settings from environment variables, which its [chart](../operations/install.md) sets; more can be',
  'added by the chart’s `env`. A wrong value ends the operator at its start, with a log line that names the variable. Its',
  'metrics are with [those of the services](metrics.md#operator).',
  '',
  '| variable | values | default | |',
  '|---|---|---|---|',
  ...rows,
];
process.stdout.write(`${lines.join('\n')}\n`);
