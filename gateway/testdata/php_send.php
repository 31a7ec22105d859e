<?php
// Sends a transfer frame with PHP's SoapClient, by the WSDL that the gateway serves.
//
// usage: php_send.php WSDL-URL FRAME-FILE 1.1|1.2
//
// Prints the acknowledgement's verdict, or "fault" and its text. It reads both by
// pattern, so that it needs no PHP package beyond php-soap.

[, $wsdl, $file, $version] = $argv;
$client = new SoapClient($wsdl, [
    'trace' => true,
    'cache_wsdl' => WSDL_CACHE_NONE,
    'soap_version' => $version === '1.2' ? SOAP_1_2 : SOAP_1_1,
]);
$frame = file_get_contents($file);
preg_match('/<([A-Za-z0-9_]+)/', $frame, $root);
try {
    $client->__soapCall($root[1], [new SoapVar($frame, XSD_ANYXML)]);
} catch (SoapFault $fault) {
    echo 'fault ', $fault->getMessage(), "\n";
    exit;
}
preg_match('/<acknowledgement typeCode="([A-Z]+)"/', $client->__getLastResponse(), $verdict);
echo $verdict[1], "\n";
