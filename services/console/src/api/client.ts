import { type AdminClient, type Answer, adminClient, type Given, type Operation } from '@im/admin-api';
import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { createContext, useContext } from 'react';
import { apiUrl, OWN_API } from './paths.ts';

/** The client of the console's own address, for what belongs to no tenant. */
export const ownClient: AdminClient = adminClient({ apiUrl: OWN_API });

/** Calls operations of a tenant, as the person who is logged in. */
export function tenantClient(tenant: string): AdminClient {
  return adminClient({ apiUrl: apiUrl(tenant) });
}

/** The tenant that the page shows. */
export const TenantContext = createContext('');

/** The tenant that the page shows. */
export function useTenant(): string {
  return useContext(TenantContext);
}

/**
 * Reads one object of the tenant.
 * @param enabled whether to read. @default true
 * @param everyMs how often it is read again; false: not by itself. @default false
 */
export function useAnswer<O extends Operation>(
  operation: O,
  given: Given<O>,
  enabled = true,
  everyMs: number | false = false,
) {
  const tenant = useTenant();
  return useQuery<Answer<O>>({
    queryKey: [tenant, operation.id, given],
    queryFn: () => tenantClient(tenant).call(operation, given),
    refetchInterval: everyMs,
    enabled,
  });
}

/**
 * Reads a list page by page.
 * @param enabled whether to read. @default true
 * @param again when to read what is shown again, in ms; false: not by itself. @default false
 */
export function usePages<O extends Operation>(
  operation: O,
  given: Given<O>,
  enabled = true,
  again: (pages: readonly Answer<O>[]) => number | false = () => false,
) {
  const tenant = useTenant();
  return useInfiniteQuery({
    // Not that of one answer, which has another shape.
    queryKey: [tenant, operation.id, 'pages', given],
    queryFn: async ({ pageParam }): Promise<Answer<O>> => {
      const { query } = given as { query?: object };
      const cursor = pageParam === '' ? {} : { cursor: pageParam };
      return tenantClient(tenant).call(operation, { ...given, query: { ...query, ...cursor } } as Given<O>);
    },
    initialPageParam: '',
    getNextPageParam: (last) => (last as { readonly nextCursor?: string }).nextCursor,
    refetchInterval: ({ state }) => again(state.data?.pages ?? []),
    enabled,
  });
}

/** Executes an operation; what the tenant's pages show is read again afterwards. */
export function useAct<O extends Operation>(operation: O) {
  const tenant = useTenant();
  const queries = useQueryClient();
  return useMutation<Answer<O>, Error, Given<O>>({
    mutationFn: (given) => tenantClient(tenant).call(operation, given),
    onSettled: () => queries.invalidateQueries({ queryKey: [tenant] }),
  });
}
