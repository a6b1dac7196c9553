import type { Role } from '../api/client';

/** What a page offers to whom. The service refuses by its own rules whatever is offered here. */
export type Permission = 'read' | 'predict' | 'upload' | 'edit' | 'train' | 'trace' | 'audit' | 'administer';

const MAY: Record<Role, readonly Permission[]> = {
  device: ['predict'],
  uploader: ['upload'],
  operator: ['read', 'predict', 'upload', 'edit'],
  supervisor: ['read', 'predict', 'upload', 'edit', 'train'],
  quality: ['read', 'trace', 'audit'],
  admin: ['read', 'predict', 'upload', 'edit', 'train', 'trace', 'audit', 'administer'],
};

export const ROLES = Object.keys(MAY) as Role[];

export function may(role: Role | undefined, permission: Permission): boolean {
  return role !== undefined && MAY[role].includes(permission);
}
