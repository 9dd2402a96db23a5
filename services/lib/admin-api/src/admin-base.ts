/** Base path of all operations, below the tenant's prefix. */
export const ADMIN_BASE = '/admin/v1';
