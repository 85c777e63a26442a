-- From a user to their memberships: a user's deletion, and who of the invited is in already.
create index membership_by_user on directory.membership (workspace_id, environment_id, user_id);
