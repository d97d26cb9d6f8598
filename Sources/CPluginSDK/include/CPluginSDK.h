#ifndef CPLUGINSDK_H
#define CPLUGINSDK_H

#include <stddef.h>

/// The text of plugins/include/fanion.h, so that the program brings the header that belongs to it.
const unsigned char *fanion_sdk_header_start(void);
/// Its length.
extern const size_t fanion_sdk_header_size;

#endif
