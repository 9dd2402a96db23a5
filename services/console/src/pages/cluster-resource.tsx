import { AdminApiError, type ResourceFault } from '@im/admin-api';
import { Alert, Button, Code, Group, PasswordInput, Skeleton, Stack, Text } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { tenantClient, useTenant } from '../api/client.ts';
import { Failure } from '../components/failure.tsx';
import { Section } from '../components/section.tsx';
import { useSubmit } from '../components/use-submit.ts';
import { forgetClusterToken, getClusterResource, giveClusterToken } from '../gen/operations.ts';
import { useTexts } from '../i18n/language.tsx';
import { ResourceParts } from './cluster-resource-parts.tsx';

/** Each window reads it as often, with the token of its session. */
const READ_MS = 10_000;
/** Longer ones are refused. */
const MAX_TOKEN = 2_900;
const ACCOUNT = 'openim-console-viewer';

/** Which resource it is. */
interface Named {
  readonly namespace: string;
  readonly name: string;
}

function faultOf(error: unknown): ResourceFault | undefined {
  return error instanceof AdminApiError ? (error.failure.kind as ResourceFault | undefined) : undefined;
}

/** After these the token reads nothing, so that what it read before is not shown any more. */
function isWithoutRights(error: unknown): boolean {
  return ['tokenRefused', 'forbidden'].includes(faultOf(error) ?? '');
}

/** The OpenIMCluster, read with a token of the person who looks at it. */
export function ClusterResourceSection({ named }: { readonly named: Named }) {
  const { resource: texts } = useTexts();
  const tenant = useTenant();
  const queries = useQueryClient();
  const [failure, setFailure] = useState<unknown>();
  const queryKey = [tenant, getClusterResource.id, {}];
  const { data, error } = useQuery({
    queryKey,
    queryFn: ({ signal }) => readResource(tenant, signal),
    refetchInterval: ({ state }) => {
      const isOver = state.data?.given === false || faultOf(state.error) === 'tokenRefused';
      return isOver ? false : READ_MS;
    },
    retry: false,
  });

  async function forget(): Promise<void> {
    setFailure(undefined);
    try {
      await tenantClient(tenant).call(forgetClusterToken, {});
      await queries.resetQueries({ queryKey });
    } catch (refused) {
      setFailure(refused);
    }
  }

  const isGiven = data?.given === true || error !== null;
  const needsToken = data?.given === false || isWithoutRights(error);
  return (
    <Section
      title={texts.title}
      explained={texts.explained}
      actions={
        isGiven && (
          <Button size="xs" variant="default" onClick={() => void forget()}>
            {texts.forget}
          </Button>
        )
      }
    >
      {failure !== undefined && <Failure error={failure} />}
      {!data && !error && <Skeleton height={120} />}
      {error && <Fault error={error} named={named} />}
      {needsToken && <TokenForm named={named} onGiven={() => queries.resetQueries({ queryKey })} />}
      {data?.resource && !isWithoutRights(error) && <ResourceParts resource={data.resource} />}
    </Section>
  );
}

async function readResource(tenant: string, signal: AbortSignal) {
  signal.throwIfAborted();
  return await tenantClient(tenant).call(getClusterResource, {});
}

/** Why the resource cannot be read, and what to do. */
function Fault({ error, named: { namespace, name } }: { readonly error: unknown; readonly named: Named }) {
  const texts = useTexts();
  const { faults } = texts.resource;
  const kind = faultOf(error);
  if (kind === undefined || !(error instanceof AdminApiError)) return <Failure error={error} />;
  const { subject = '', requestID, message } = error.failure;
  const said = () => {
    switch (kind) {
      case 'forbidden':
        return faults.forbidden(subject, `get openimclusters.openim.io ${name} in ${namespace}`);
      case 'notFound':
        return faults.notFound(`${namespace}/${name}`);
      default:
        return faults[kind];
    }
  };
  const check = `kubectl auth can-i get openimclusters.openim.io/${name} -n ${namespace}${subject && ` --as ${subject}`}`;
  return (
    <Alert color="red" title={texts.failed} role="alert" variant="outline" data-fault={kind}>
      <Stack gap={4}>
        <Text size="sm" className="breaks">
          {said()}
        </Text>
        {kind === 'forbidden' && (
          <Code block className="breaks" tabIndex={0}>
            {check}
          </Code>
        )}
        {(kind === 'unreachable' || kind === 'invalidAnswer') && (
          <Text size="xs" className="breaks">
            {message}
          </Text>
        )}
        <Text size="xs">
          {texts.requestID} {requestID}
        </Text>
      </Stack>
    </Alert>
  );
}

/** Takes a token, which the page does not keep. */
function TokenForm({ named, onGiven }: { readonly named: Named; onGiven(): Promise<void> }) {
  const { resource: texts } = useTexts();
  const tenant = useTenant();
  const [token, setToken] = useState('');
  const { busy, error, submit } = useSubmit(async () => {
    await tenantClient(tenant).call(giveClusterToken, { body: { token: token.trim() } });
    setToken('');
    await onGiven();
  });

  return (
    <form onSubmit={submit}>
      <Stack gap="xs">
        <Text size="sm">{texts.how}</Text>
        <Text size="sm">{texts.howToken}</Text>
        <Code block className="breaks" tabIndex={0}>
          {`kubectl create token ${ACCOUNT} -n ${named.namespace} --duration 8h`}
        </Code>
        <Text size="sm" c="dimmed">
          {texts.howRole}
        </Text>
        <PasswordInput
          label={texts.token}
          required
          maxLength={MAX_TOKEN}
          autoComplete="off"
          spellCheck={false}
          visibilityToggleButtonProps={{ 'aria-label': texts.showToken }}
          value={token}
          onChange={(event) => setToken(event.currentTarget.value)}
        />
        {error !== undefined && <Fault error={error} named={named} />}
        <Group>
          <Button type="submit" variant="default" loading={busy}>
            {texts.give}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
