/* config.h -- rookery.conf as the server uses it: checked values, never text. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "base/slice.h"
#include "config/option.h"

enum { TLS_PROFILE_INTERMEDIATE, TLS_PROFILE_MODERN };
enum { ACK_MEMORY, ACK_DURABLE };
enum { CONFLICT_KICK_OLD, CONFLICT_KICK_NEW, CONFLICT_RANDOM, CONFLICT_INCREMENT };

/* One virtual host. Options of host scope may stand in the server's part as well: the default for all. */
struct config_host {
	const char *name;		/* prepared domain */
	struct slice certificate_pem;	/* contents; empty: the host has no TLS */
	struct slice key_pem;
#define OPTION_FIELD_HOST(ctype, name) ctype name;
#define OPTION_FIELD_SERVER(ctype, name)
#include "config/fields.def"
#undef OPTION_FIELD_HOST
#undef OPTION_FIELD_SERVER
};

struct config {
	uint64_t	    serial;	/* grows with each reload that took effect */
	struct config_host *hosts;
	size_t		    host_count;
	const uint32_t	   *host_order;		/* indices of hosts by their names; NULL: not sorted */
#define OPTION_FIELD_HOST(ctype, name)
#define OPTION_FIELD_SERVER(ctype, name) ctype name;
#include "config/fields.def"
#undef OPTION_FIELD_HOST
#undef OPTION_FIELD_SERVER
};

/*
 * Every mistake of a file is reported, not only the first: "rookery.conf:12: workers: must be 1 to 64".
 * A mistake of syntax, a name given twice included, stands alone: nothing after it can be understood.
 */
struct config_mistake {
	const char *file;
	unsigned    line;	/* 0: the file as a whole */
	const char *option;	/* NULL: none in particular */
	const char *text;
};
typedef void config_mistake_fn(void *owner, const struct config_mistake *mistake);

/*
 * Text of a file to a config. NULL when there was any mistake. Domains are prepared by the function
 * handed in (config is a low layer): it returns false for what is no domain.
 */
struct config *config_parse(struct slice text, const char *file,
		    bool (*prepare_domain)(struct slice text, char *out, size_t size),
		    config_mistake_fn *on_mistake, void *owner);
void	       config_free(struct config **config);

/*
 * Certificates are files the configuration names; who may read them puts their contents in.
 * Both are copied, and wiped when the config is freed.
 */
void	       config_set_certificate(struct config *config, size_t host, struct slice chain_pem,
		    struct slice key_pem);

/* Wipes the keys of all hosts, once they are where they are used. */
void	config_forget_keys(struct config *config);

/*
 * The image workers get in a sealed memfd: a flat copy of a config, certificates included.
 * config_load() refuses (NULL) what is cut or of another layout.
 */
int	       config_store(const struct config *config, int fd);
struct config *config_load(int fd);

const struct config_host *config_find_host(const struct config *config, struct slice domain);

/*
 * Names the options in which two configurations differ, and whether a reload applies each.
 * A host that came or went is named once, as "hosts".
 */
struct config_change {
	const char *option;
	const char *host;	/* NULL: an option of the server */
	const char *text;	/* "changed", "has new contents", "added", "removed", "needs a restart" */
	bool	    is_applied;
};
typedef void config_change_fn(void *owner, const struct config_change *change);
void	       config_diff(const struct config *old, const struct config *new,
		    config_change_fn *on_change, void *owner);

/* All rows, in the order of the manual; features add theirs to the same table by config/options.def. */
const struct option_row *config_options(size_t *count);

/* For man/rookery.conf.5, etc/rookery.conf and `rookeryctl config`. */
void	       config_write_manual(FILE *out);
void	       config_write_sample(FILE *out);
void	       config_write_values(const struct config *config, FILE *out);
