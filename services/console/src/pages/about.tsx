import { Anchor } from '@mantine/core';
import { useTenant } from '../api/client.ts';
import { apiUrl } from '../api/paths.ts';
import { Facts } from '../components/facts.tsx';
import { Page } from '../components/page.tsx';
import { Time } from '../components/time.tsx';
import { useTexts } from '../i18n/language.tsx';
import { useSession } from '../session/session.ts';

/** The version, the API behind the console, and the session. */
export function AboutPage() {
  const texts = useTexts();
  const tenant = useTenant();
  const { session, version } = useSession();
  const document = `${apiUrl(tenant)}/admin/v1/openapi.json`;
  return (
    <Page title={texts.about.title}>
      <Facts
        facts={[
          [texts.about.version, version],
          [
            texts.about.document,
            <Anchor key="document" href={document} size="sm">
              openapi.json
            </Anchor>,
          ],
          [texts.about.session, session.name],
          [texts.about.ends, <Time key="ends" ms={session.expireTime} />],
          [
            texts.about.rights,
            session.grants
              .map(
                ({ tenant: of, role }) => `${of === '*' ? texts.about.allTenants : of}: ${texts.roles[role]}`,
              )
              .join(', '),
          ],
          [texts.about.licence, 'Apache-2.0'],
        ]}
      />
    </Page>
  );
}
