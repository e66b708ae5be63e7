/* config_check.h -- rules that tie several options together, and the report of mistakes. */
#pragma once

#include "config/config.h"

struct config_setting_t;

/* Hands mistakes to the caller of config_parse() and counts them. */
struct config_report {
	const char	  *file;
	config_mistake_fn *on_mistake;
	void		  *owner;
	unsigned	   count;
};

void	config_report(struct config_report *report, unsigned line, const char *option,
	    const char *format, ...) __attribute__((format(printf, 4, 5)));

/* A certificate needs its key beside it, and the other way round. */
void	config_check_certificate(struct config_report *report,
	    const struct config_setting_t *group);

void	config_check_admins(struct config_report *report, const struct config_setting_t *group,
	    bool (*prepare_domain)(struct slice text, char *out, size_t size));

/* No address twice, in one list or in both. */
void	config_check_listen(struct config_report *report, const struct config_setting_t *root,
	    const struct config *config);

/* Limits and times that must not exceed one another. */
void	config_check_sizes(struct config_report *report, const struct config_setting_t *root,
	    const struct config *config);
