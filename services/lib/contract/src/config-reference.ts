import { ServerConfig } from './config.ts';
import { type ConfigField, configFields, type SettingField, tenantFields } from './config-fields.ts';
import { isLiveSetting } from './live-settings.ts';

/** The reference page of the server's config as Markdown: every setting, its variable, type and default. */
export function configReference(): string {
  const sections = Map.groupBy(configFields(), ({ path }) => path.split('.')[0] ?? '');
  const lines = [
    '# Configuration',
    '',
    'One YAML (or JSON) file serves every role; each process reads what it needs. Values come from the defaults, then',
    'the file, then the environment, and the last one wins. A setting can be given by its environment variable, or by a',
    `file named in \`<variable>_FILE\`. Texts in the file may hold \`\${env:NAME}\` and \`\${file:/path}\`, so that no secret`,
    'needs to be written into it.',
    '',
    'Settings marked *live* are taken over while a process runs, within seconds of a change of the file or of one that it',
    'refers to; everything else at its next start. Settings marked *secret* are masked wherever a config is printed.',
    '',
    'Check a file with `openimctl config check <file>`; see what a server would use with `openimctl config print <file>`.',
  ];
  for (const [name, fields] of sections) {
    lines.push('', `## ${name}`, '', sectionDescription(name), '');
    lines.push(...(name === 'tenants' ? tenantTable() : sectionTable(fields)));
  }
  return `${lines.join('\n')}\n`;
}

function sectionDescription(name: string): string {
  const section = Object.entries(ServerConfig.shape).find(([key]) => key === name);
  return section?.[1].description ?? '';
}

function sectionTable(fields: readonly ConfigField[]): string[] {
  return [
    '| setting | environment | type | default | |',
    '|---|---|---|---|---|',
    ...fields.map((field) => {
      const { path, env, type } = field;
      return `| \`${path}\` | \`${env}\` | ${cell(type)} | ${defaultOf(field)} | ${meaning(field, path)} |`;
    }),
  ];
}

function tenantTable(): string[] {
  return [
    'A list, *live*; one entry has these settings. `<key>` stands for any name.',
    '',
    '| setting | type | default | |',
    '|---|---|---|---|',
    ...tenantFields().map(
      (field) => `| \`${field.path}\` | ${cell(field.type)} | ${defaultOf(field)} | ${meaning(field)} |`,
    ),
  ];
}

/** @param path of a setting that may be live by itself. */
function meaning({ description, secret }: SettingField, path = ''): string {
  const marks = [...(secret ? ['*Secret.*'] : []), ...(isLiveSetting(path) ? ['*Live.*'] : [])];
  return cell([description, ...marks].join(' '));
}

function defaultOf(field: SettingField): string {
  if (field.default === undefined) return field.path.includes('<key>') ? 'unset' : '**required**';
  if (field.default === '') return 'empty';
  return `\`${cell(JSON.stringify(field.default))}\``;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}
