/* commands.h -- what the rows of command.c call: each returns an exit status. */
#pragma once

struct ctl;

int	adduser_run(struct ctl *ctl);
int	passwd_run(struct ctl *ctl);
int	deluser_run(struct ctl *ctl);
int	users_run(struct ctl *ctl);
int	sessions_run(struct ctl *ctl);
int	session_run(struct ctl *ctl);
int	kick_run(struct ctl *ctl);
int	workers_run(struct ctl *ctl);
int	drain_run(struct ctl *ctl);
int	upgrade_run(struct ctl *ctl);
int	stats_run(struct ctl *ctl);
int	limits_run(struct ctl *ctl);
int	status_run(struct ctl *ctl);
int	reload_run(struct ctl *ctl);
int	stop_run(struct ctl *ctl);
int	fsck_run(struct ctl *ctl);
int	trace_run(struct ctl *ctl);
int	clock_run(struct ctl *ctl);
int	config_run(struct ctl *ctl);
int	version_run(struct ctl *ctl);
int	help_run(struct ctl *ctl);
