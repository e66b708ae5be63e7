/* privileges.h -- who we are, and who our children are to be. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/* The user the workers and stores run as. */
struct identity {
	uid_t uid;
	gid_t gid;
	bool  is_changed;	/* we are root, and they will not be */
};

/*
 * Started by root: looks up user and group, else takes what we are. RESULT_NOT_FOUND: there is no such user or
 * group; logged. Root itself is refused (RESULT_DENIED): nothing may run as root but the master.
 */
int	privileges_find(const char *user, const char *group, struct identity *identity);

/* For the child that reads a configuration, before anybody knows a user: nobody. */
void	privileges_nobody(struct identity *identity);

/* For good; ensures that there is no way back. */
void	privileges_drop(const struct identity *identity);

/*
 * The same, but privileges_chroot() can still be called, once, until privileges_give_up() has taken away what is left.
 * False: it is not allowed here, and the root stays.
 */
void	privileges_drop_but_chroot(const struct identity *identity);
bool	privileges_chroot(int directory_fd);
void	privileges_give_up(void);

/* What the master makes in between belongs to that user, and is made with no more than its rights. */
void	privileges_lend(const struct identity *identity);
void	privileges_return(const struct identity *identity);
