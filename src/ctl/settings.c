/* settings.c -- `config` and `help`: what the tables of options and commands say. */
#include <stdio.h>
#include <sysexits.h>

#include "config/config.h"
#include "ctl/command.h"
#include "ctl/commands.h"
#include "ctl/ctl.h"

int
config_run(struct ctl *ctl)
{
	int status;

	if (ctl->arguments.sample) {
		config_write_sample(stdout);
		return 0;
	}
	status = ctl_open_config(ctl);
	if (status == 0)
		config_write_values(ctl->config, stdout);
	return status;
}

int
help_run(struct ctl *ctl)
{
	const char *name = ctl->arguments.operand;
	const struct command *command;

	if (name == NULL) {
		command_write_usage(stdout);
		return 0;
	}
	command = command_find(name);
	if (command == NULL)
		return ctl_fail(EX_USAGE, "%s: there is no such command", name);
	command_write_help(command, stdout);
	return 0;
}
