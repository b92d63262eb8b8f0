//! The classes of made-up values. [`MEASURED`] is measured with; a dictionary learns from [`LEARNT`], which has other classes, other names of most fields and
//! other words: what both share are names that such programs share, states, currencies, and the classes of Java itself.

use super::words;
use super::{Class, Domain, Kind};
use Kind::{
    Amount, Code, Count, Date, Extra, Flag, Goods, Id, Mail, Measure, Name, Phone, Place, Sentence, State, Uuid,
};

const STATES: &[&str] = &["CREATED", "PAID", "SHIPPED", "COMPLETED", "CANCELLED", "PENDING", "REFUNDED", "FAILED"];
const CHANNELS: &[&str] = &["APP", "WEB", "MINI_PROGRAM", "STORE", "API"];
const LEVELS: &[&str] = &["NORMAL", "SILVER", "GOLD", "PLATINUM"];
const UNITS: &[&str] = &["PCS", "BOX", "KG", "SET"];

/// What is measured.
pub const MEASURED: Domain = Domain {
    words: &words::MEASURED,
    whole: Class {
        name: "com.acme.logistics.api.dto.ShipmentDTO",
        fields: &[
            ("id", Id),
            ("shipmentNo", Code("SH")),
            ("tenantId", Id),
            ("status", State(&["PICKED_UP", "IN_TRANSIT", "DELIVERED", "EXCEPTION", "CREATED"])),
            ("carrierName", Name),
            ("senderName", Name),
            ("senderPhone", Phone),
            ("senderAddress", Place),
            ("receiverName", Name),
            ("receiverPhone", Phone),
            ("receiverAddress", Place),
            ("freightAmount", Amount),
            ("currency", Kind::Currency),
            ("insured", Flag),
            ("createTime", Date),
            ("updateTime", Date),
            ("traceId", Uuid),
            ("remark", Sentence),
            ("extra", Extra),
        ],
    },
    list: "parcels",
    item: Class {
        name: "com.acme.logistics.api.dto.ParcelDTO",
        fields: &[
            ("parcelNo", Code("PC")),
            ("goodsName", Goods),
            ("quantity", Count),
            ("unit", State(&["PALLET", "CARTON", "BAG", "PCS"])),
            ("weight", Measure),
            ("declaredValue", Amount),
            ("status", State(&["PICKED_UP", "IN_TRANSIT", "DELIVERED", "EXCEPTION", "CREATED"])),
            ("warehouseCode", Code("WH")),
            ("updateTime", Date),
            ("attributes", Extra),
        ],
    },
};

/// What a dictionary learns from.
pub const LEARNT: [Domain; 5] = [
    Domain {
        words: &words::LEARNT,
        whole: Class {
            name: "com.example.order.api.dto.OrderDTO",
            fields: &[
                ("id", Id),
                ("orderNo", Code("SO")),
                ("userId", Id),
                ("userName", Name),
                ("status", State(STATES)),
                ("totalAmount", Amount),
                ("discountAmount", Amount),
                ("currency", Kind::Currency),
                ("channel", State(CHANNELS)),
                ("receiver", Name),
                ("phone", Phone),
                ("address", Place),
                ("createTime", Date),
                ("updateTime", Date),
                ("remark", Sentence),
                ("extra", Extra),
            ],
        },
        list: "items",
        item: Class {
            name: "com.example.order.api.dto.OrderItemDTO",
            fields: &[
                ("itemId", Id),
                ("skuCode", Code("SKU")),
                ("skuName", Goods),
                ("quantity", Count),
                ("unit", State(UNITS)),
                ("price", Amount),
                ("status", State(STATES)),
                ("attributes", Extra),
            ],
        },
    },
    Domain {
        words: &words::LEARNT,
        whole: Class {
            name: "com.example.user.api.model.UserProfile",
            fields: &[
                ("userId", Id),
                ("userName", Name),
                ("nickName", Name),
                ("mobile", Phone),
                ("email", Mail),
                ("level", State(LEVELS)),
                ("enabled", Flag),
                ("deleted", Flag),
                ("points", Count),
                ("balance", Amount),
                ("gmtCreate", Date),
                ("gmtModified", Date),
                ("description", Sentence),
                ("extInfo", Extra),
            ],
        },
        list: "addresses",
        item: Class {
            name: "com.example.user.api.model.UserAddress",
            fields: &[
                ("id", Id),
                ("contact", Name),
                ("phone", Phone),
                ("detail", Place),
                ("isDefault", Flag),
                ("createTime", Date),
            ],
        },
    },
    Domain {
        words: &words::LEARNT,
        whole: Class {
            name: "com.example.payment.facade.response.PaymentResult",
            fields: &[
                ("success", Flag),
                ("code", State(&["SUCCESS", "FAIL", "UNKNOWN"])),
                ("message", Sentence),
                ("requestId", Uuid),
                ("tradeNo", Code("PAY")),
                ("outTradeNo", Code("OUT")),
                ("amount", Amount),
                ("currency", Kind::Currency),
                ("payChannel", State(CHANNELS)),
                ("payTime", Date),
                ("status", State(STATES)),
                ("data", Extra),
            ],
        },
        list: "details",
        item: Class {
            name: "com.example.payment.facade.response.PaymentDetail",
            fields: &[
                ("detailNo", Code("PD")),
                ("accountName", Name),
                ("amount", Amount),
                ("fee", Amount),
                ("status", State(STATES)),
                ("finishTime", Date),
                ("extendInfo", Extra),
            ],
        },
    },
    Domain {
        words: &words::LEARNT,
        whole: Class {
            name: "com.example.common.page.PageResult",
            fields: &[
                ("pageNum", Count),
                ("pageSize", Count),
                ("total", Count),
                ("pages", Count),
                ("hasNextPage", Flag),
                ("requestId", Uuid),
                ("timestamp", Date),
            ],
        },
        list: "records",
        item: Class {
            name: "com.example.inventory.api.vo.StockVO",
            fields: &[
                ("stockId", Id),
                ("stockName", Goods),
                ("skuId", Id),
                ("skuCode", Code("SKU")),
                ("availableQuantity", Count),
                ("lockedQuantity", Count),
                ("length", Measure),
                ("batchNo", Code("B")),
                ("updateTime", Date),
                ("version", Count),
                ("operator", Name),
            ],
        },
    },
    Domain {
        words: &words::LEARNT,
        whole: Class {
            name: "com.example.invoice.domain.InvoiceRequest",
            fields: &[
                ("invoiceNo", Code("INV")),
                ("companyName", Name),
                ("taxNo", Code("91")),
                ("bankAccount", Id),
                ("totalAmount", Amount),
                ("taxAmount", Amount),
                ("invoiceDate", Date),
                ("email", Mail),
                ("operatorName", Name),
                ("status", State(STATES)),
                ("remark", Sentence),
                ("properties", Extra),
            ],
        },
        list: "lines",
        item: Class {
            name: "com.example.invoice.domain.InvoiceLine",
            fields: &[
                ("lineNo", Count),
                ("itemName", Goods),
                ("specification", Code("T")),
                ("quantity", Count),
                ("unitPrice", Amount),
                ("taxRate", Measure),
                ("amount", Amount),
            ],
        },
    },
];
