/* engine_act.h - how a destination that is not in the index yet is written in an intent.
 *
 * An intent names its destination by wire name. The UI's thread knows the wire names
 * of folders that were listed; of one that is still to be made (Trash, a new folder)
 * it knows what the person calls it, and only the backend can translate that. Such a
 * name is kept as it is behind a byte that no wire name begins with, and translated
 * when the intent is carried out. */
#ifndef DUNLIN_ENGINE_ACT_H
#define DUNLIN_ENGINE_ACT_H

#define ACT_DEST_MARK "\001"

/* The person's name in an intent's dest, NULL when it is a wire name. */
const char *act_dest_name(const char *dest);

#endif
