import { ServerConfig } from './config.ts';
import { type ConfigField, configFields, type SettingField, tenantFields } from './config-fields.ts';

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
    'Tenants and `log.level` are taken over from the file while a process runs; everything else at its next start.',
    'Settings marked *secret* are masked wherever a config is printed.',
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
      return `| \`${path}\` | \`${env}\` | ${cell(type)} | ${defaultOf(field)} | ${meaning(field)} |`;
    }),
  ];
}

function tenantTable(): string[] {
  return [
    'A list; one entry has these settings. `<key>` stands for any name.',
    '',
    '| setting | type | default | |',
    '|---|---|---|---|',
    ...tenantFields().map(
      (field) => `| \`${field.path}\` | ${cell(field.type)} | ${defaultOf(field)} | ${meaning(field)} |`,
    ),
  ];
}

function meaning({ description, secret }: SettingField): string {
  return cell(secret ? `${description} *Secret.*` : description);
}

function defaultOf(field: SettingField): string {
  if (field.default === undefined) return field.path.includes('<key>') ? 'unset' : '**required**';
  if (field.default === '') return 'empty';
  return `\`${cell(JSON.stringify(field.default))}\``;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}
