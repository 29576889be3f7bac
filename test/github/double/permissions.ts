import type { OperationId } from './api-description.ts';
import type { DoubleRepository, DoubleToken, PermissionName } from './double-state.ts';

type Need = { any: PermissionName[]; level: 'read' | 'write' };

const read = (...any: PermissionName[]): Need => ({ any, level: 'read' });
const write = (...any: PermissionName[]): Need => ({ any, level: 'write' });

/** What GitHub's reference demands of each operation; any one of the permissions named is enough. */
const needs: Record<OperationId | 'graphql', Need | null> = {
  'repos/get': read('metadata'),
  'repos/get-content': read('contents'),
  'repos/list-pull-requests-associated-with-commit': read('pull-requests', 'contents'),
  'repos/create-commit-status': write('statuses'),
  'repos/list-commit-statuses-for-ref': read('statuses'),
  'pulls/get': read('pull-requests', 'contents'),
  'pulls/list': read('pull-requests'),
  'issues/list-comments': read('issues', 'pull-requests'),
  'issues/create-comment': write('issues', 'pull-requests'),
  'issues/get-comment': read('issues', 'pull-requests'),
  'issues/update-comment': write('issues', 'pull-requests'),
  'issues/delete-comment': write('issues', 'pull-requests'),
  'checks/create': write('checks'),
  'checks/update': write('checks'),
  'checks/get': read('checks'),
  'checks/list-for-ref': read('checks'),
  'checks/list-annotations': read('checks'),
  'git/get-ref': read('contents'),
  'git/create-ref': write('contents'),
  'git/update-ref': write('contents'),
  'git/delete-ref': write('contents'),
  'git/get-commit': read('contents'),
  'git/create-commit': write('contents'),
  'git/get-tree': read('contents'),
  'git/create-tree': write('contents'),
  'git/get-blob': read('contents'),
  'git/create-blob': write('contents'),
  'actions/list-workflow-run-artifacts': read('actions'),
  'actions/get-artifact': read('actions'),
  'actions/download-artifact': read('actions'),
  'users/get-authenticated': null,
  graphql: null,
};

/** Whether a token holds a permission at a level; everybody may read a public repository. */
export const allows = (token: DoubleToken, need: Need, repository: DoubleRepository): boolean => {
  if (need.level === 'read' && !repository.private) return true;
  return need.any.some((name) => {
    if (name === 'metadata') return token.type === 'Bot';
    const granted = token.permissions[name];
    return granted === 'write' || (granted === 'read' && need.level === 'read');
  });
};

export const needOf = (operation: OperationId): Need | null => needs[operation];
