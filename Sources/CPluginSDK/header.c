#include "CPluginSDK.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char header[] = {
#embed "../../plugins/include/fanion.h"
};

const unsigned char *fanion_sdk_header_start(void) { return header; }

const size_t fanion_sdk_header_size = sizeof(header);
