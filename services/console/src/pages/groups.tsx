import { usePages } from '../api/client.ts';
import { IdLink } from '../components/id-link.tsx';
import { List } from '../components/list.tsx';
import { Page } from '../components/page.tsx';
import { SearchForm, useSearched } from '../components/search-form.tsx';
import { Time } from '../components/time.tsx';
import { listGroups } from '../gen/operations.ts';
import { useFormat, useTexts } from '../i18n/language.tsx';

/** Searches groups. */
export function GroupsPage() {
  const texts = useTexts();
  const format = useFormat();
  const asked = useSearched();
  const state = usePages(listGroups, {
    query: asked === '' ? { limit: 50 } : { limit: 50, groupName: asked },
  });
  const groups = state.data?.pages.flatMap((page) => page.groups) ?? [];

  return (
    <Page title={texts.groups.title}>
      <SearchForm label={texts.groups.searchLabel} />
      <List
        label={texts.groups.title}
        entries={groups}
        keyOf={({ groupID }) => groupID}
        state={state}
        columns={[
          {
            title: texts.groups.name,
            cell: ({ groupID, groupName }) => <IdLink page="groups" id={groupID} name={groupName} />,
          },
          { title: texts.groups.groupID, cell: ({ groupID }) => <span className="breaks">{groupID}</span> },
          {
            title: texts.groups.owner,
            cell: ({ ownerUserID }) => <span className="breaks">{ownerUserID}</span>,
          },
          { title: texts.groups.members, cell: ({ memberCount }) => format.number(memberCount) },
          { title: texts.groups.created, cell: ({ createTime }) => <Time ms={createTime} /> },
        ]}
      />
    </Page>
  );
}
