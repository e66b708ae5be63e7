/* data_space.h -- who keeps what for an account in the place STORE_DATA: numbers that are never given to another use. */
#pragma once

enum data_space {
	SPACE_PRIVATE_XML = 1,	/* an element for each namespace and name, and how many there are */
	SPACE_VCARD = 2,	/* an element */
	SPACE_LAST_ACTIVITY = 3,	/* when, and the status */
	SPACE_REGISTRATIONS = 6,	/* of account 0: when accounts were made from an address */
	SPACE_END
};
